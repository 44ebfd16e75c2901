/**
 * What the log has and a view lacks, read and decoded once for all who ask: after a burst, or without a projector, hundreds of readers
 * come to the same stream at the same time. Owns a few such backlogs in memory. Refuses to answer from memory alone: every reader brings
 * the head that Redis gave it, and a backlog which does not hold that very event is read on, or from its beginning where the log does
 * not know its last event any more.
 */
import type { Decode, RawEvent } from '../envelope.ts';
import type { Log } from '../log/log.ts';
import type { StreamRef } from '../keys.ts';
import { stepsOf, viewName } from './projection.ts';
import type { Projection, Step } from './projection.ts';

interface Link<Doc> {
  readonly id: string;
  readonly steps: readonly Step<Doc>[];
}

/** The events after an id, in their order. */
interface Backlog<Doc> {
  readonly after: string;
  readonly links: readonly Link<Doc>[];
}

/** What a view is asked about, and where it and its log were at one instant. */
interface Lack<Doc extends object> {
  readonly projection: Projection<Doc>;
  readonly stream: StreamRef;
  readonly applied: string;
  readonly head: string;
}

const READ = 500;

/** A backlog that is kept; its size is known once it was read. */
interface Kept {
  readonly reading: Promise<Backlog<object>>;
  size: number;
}

export class Backlogs {
  private readonly log: Log;
  private readonly decode: Decode;
  private readonly most: number;
  /** The last asked for comes last. */
  private readonly kept = new Map<string, Kept>();

  /** `most`: how many events of all backlogs together are kept for whoever asks next. */
  constructor(log: Log, decode: Decode, most: number) {
    this.log = log;
    this.decode = decode;
    this.most = most;
  }

  /** The steps of each event that the view lacks, up to the head. They are shared: nobody may change a document of theirs. */
  async steps<Doc extends object>(lack: Lack<Doc>): Promise<(readonly Step<Doc>[])[]> {
    const { projection, stream, head } = lack;
    const name = `${viewName(projection)} ${stream.kind} ${stream.id}`;
    const before = this.kept.get(name)?.reading as Promise<Backlog<Doc>> | undefined;
    // Whoever asks next waits for this one, and mostly finds in it what it needs.
    const reading = this.reach(lack, before);
    const mine: Kept = { reading: reading as Promise<Backlog<object>>, size: 1 };
    this.kept.delete(name);
    this.kept.set(name, mine);
    try {
      const { links } = await reading;
      mine.size = Math.max(1, links.length);
      this.forgetOldest();
      const end = links.findLastIndex(({ id }) => id === head);
      return (end < 0 ? links : links.slice(0, end + 1)).map(({ steps }) => steps);
    } catch (error) {
      if (this.kept.get(name) === mine) this.kept.delete(name);
      throw error;
    }
  }

  private forgetOldest(): void {
    let sum = [...this.kept.values()].reduce((all, { size }) => all + size, 0);
    for (const [name, { size }] of this.kept) {
      if (sum <= this.most) return;
      this.kept.delete(name);
      sum -= size;
    }
  }

  private async reach<Doc extends object>(
    lack: Lack<Doc>,
    before: Promise<Backlog<Doc>> | undefined,
  ): Promise<Backlog<Doc>> {
    const { applied, head } = lack;
    const known = await before?.catch(() => undefined);
    const backlog = (known && backlogAfter(known, applied)) ?? { after: applied, links: [] };
    return backlog.links.some(({ id }) => id === head) ? backlog : this.grown(lack, backlog);
  }

  private async grown<Doc extends object>(lack: Lack<Doc>, backlog: Backlog<Doc>): Promise<Backlog<Doc>> {
    const { log } = this;
    const { stream } = lack;
    const links = [...backlog.links];
    const last = links.at(-1);
    let page = last
      ? await log.readFromCursor(stream, last.id, READ)
      : await log.readAfter(stream, backlog.after, READ);
    if (!page) return this.grown(lack, { after: backlog.after, links: [] });
    for (;;) {
      links.push(
        ...page.map((event) => ({ id: event.id, steps: stepsIfReadable(lack.projection, event, this.decode) })),
      );
      if (page.length < READ) return { after: backlog.after, links };
      page = await log.readAfter(stream, page.at(-1)!.id, READ);
    }
  }
}

/** An event that cannot be read is passed over, as its stream is parked in the view: one bad event must not take a read away. */
export function stepsIfReadable<Doc extends object>(
  projection: Projection<Doc>,
  event: RawEvent,
  decode: Decode,
): Step<Doc>[] {
  try {
    return stepsOf(projection, event, decode);
  } catch {
    return [];
  }
}

/** The view may have moved on since a backlog was read: what it holds by now is left out. Undefined where the backlog does not tell. */
function backlogAfter<Doc>(backlog: Backlog<Doc>, applied: string): Backlog<Doc> | undefined {
  if (backlog.after === applied) return backlog;
  const at = backlog.links.findIndex(({ id }) => id === applied);
  return at < 0 ? undefined : { after: applied, links: backlog.links.slice(at + 1) };
}
