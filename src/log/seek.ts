/**
 * Finds the event at a seq in a log that is read by ids. Seqs are dense and times never run backwards, so a guess by time comes close; each
 * second step halves what is left, so that a log which slept for years takes no more steps than any other.
 */
import { eventId, START } from '../envelope.ts';
import type { RawEvent } from '../envelope.ts';

/** Events after an id, oldest first, at most `count`. */
type ReadAfter = (after: string, count: number) => Promise<RawEvent[]>;

/** So many events are read at once rather than looked between. */
const NEAR = 500;

interface Position {
  readonly id: string;
  readonly ms: number;
  readonly seq: number;
}

const positionOf = ({ id }: RawEvent): Position => ({ id, ...eventId(id) });

/** Id of the event at `seq`, which lies before `end`; the start when there is none. */
export async function idBefore(readAfter: ReadAfter, seq: number, end: RawEvent): Promise<string> {
  let high = positionOf(end);
  const [first] = await readAfter(START, 1);
  if (!first || first.seq > seq) return START;
  if (first.seq === seq) return first.id;
  let low = positionOf(first);
  for (let step = 0; ; step += 1) {
    if (seq - low.seq <= NEAR || high.ms - low.ms <= 1) {
      const page = await readAfter(low.id, NEAR);
      const found = page.find((event) => event.seq === seq);
      if (found) return found.id;
      if (page.length < NEAR || page.at(-1)!.seq > seq) return START;
      low = positionOf(page.at(-1)!);
      continue;
    }
    const share = step % 2 === 0 ? (seq - low.seq) / (high.seq - low.seq) : 0.5;
    const ms = Math.min(high.ms - 1, low.ms + Math.max(1, Math.floor((high.ms - low.ms) * share)));
    const [found] = await readAfter(`${ms}-0`, 1);
    if (!found) return START;
    if (found.seq === seq) return found.id;
    // What is there from that time on comes after the seq: its own time is earlier.
    if (found.seq > seq) high = { id: found.id, ms, seq: found.seq };
    else low = positionOf(found);
  }
}
