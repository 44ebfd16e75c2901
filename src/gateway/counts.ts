/** What a gateway has done since it started, in plain numbers: whoever writes to sockets adds to them, and whoever asks reads them. */
export class Counts {
  /** Frames of events that were handed to sockets that are live. */
  frames = 0;
  /** Sessions that went on from cursors. */
  resumes = 0;
  /** Streams of which a client was told to reload. */
  resets = 0;
  /** Sockets that this side closed, by the code that it gave. */
  readonly closed = new Map<number, number>();
  /** Handshakes that were refused, by the code of the catalogue. */
  readonly refused = new Map<string, number>();
}

/** One more of this. */
export function countOne<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
