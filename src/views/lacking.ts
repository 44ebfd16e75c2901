/**
 * What a view lacks of its log, and documents with that on them. What is short is shared by all who ask. A view that cannot be read is one
 * that holds nothing: it takes no read away.
 */
import { eventId, START } from '../envelope.ts';
import type { Decode } from '../envelope.ts';
import { ChatError } from '../errors.ts';
import type { StreamRef } from '../keys.ts';
import { seqOf } from '../log/log.ts';
import type { Log } from '../log/log.ts';
import { Backlogs } from './backlog.ts';
import { fold, stepsOfAll } from './long-reads.ts';
import { Sheet } from './projection.ts';
import type { Placed, Projection, Step } from './projection.ts';
import type { Page, Views } from './store.ts';

/** Events that come with a page of a view that is behind. Where it lacks more, they are read on their own, once for all readers. */
export const MISSING = 16;

/** What is asked about. */
export interface Source<Doc extends object> {
  readonly projection: Projection<Doc>;
  readonly stream: StreamRef;
}

export type Lack = Pick<Page, 'applied' | 'head' | 'missing' | 'more'>;

export interface LackingParts {
  readonly log: Log;
  readonly views: Views;
  readonly decode: Decode;
  /** Events of one backlog that are held in memory, and of all that are kept. */
  readonly backlog: number;
  readonly kept: number;
}

export class Lacking {
  private readonly parts: LackingParts;
  private readonly backlogs: Backlogs;

  constructor(parts: LackingParts) {
    this.parts = parts;
    this.backlogs = new Backlogs(parts.log, parts.decode, parts.kept);
  }

  /** Stored documents and on them what the view lacks; undefined where that is too much to be held. */
  async sheet<Doc extends object>(
    { projection, stream }: Source<Doc>,
    lack: Lack,
    found: readonly Placed<Doc>[],
  ): Promise<Sheet<Doc> | undefined> {
    const steps = await this.steps({ projection, stream }, lack);
    if (!steps) return undefined;
    const sheet = new Sheet<Doc>();
    for (const { order, doc } of found) sheet.load(projection.key(doc), order, doc);
    fold(sheet, steps);
    return sheet;
  }

  /** What each event means that the view lacks; undefined where that is too much to be held. */
  async steps<Doc extends object>(
    { projection, stream }: Source<Doc>,
    { applied, head, missing, more }: Lack,
  ): Promise<(readonly Step<Doc>[])[] | undefined> {
    const lag = head === undefined ? 0 : seqOf(head) - seqOf(applied);
    if (applied === START && lag > MISSING) this.parts.views.ask(stream);
    if (lag > this.parts.backlog) return undefined;
    const isWhole = more === undefined || head === undefined;
    return isWhole
      ? stepsOfAll(projection, missing, this.parts.decode)
      : this.backlogs.steps({ projection, stream, applied, head });
  }

  /** A view whose keys cannot be read holds nothing. */
  async readable<P extends { head: string | undefined }>(
    stream: StreamRef,
    asked: Promise<P>,
    nothing: Omit<P, 'head'>,
  ): Promise<P> {
    try {
      return await asked;
    } catch (error) {
      if (error instanceof ChatError) throw error;
      const [found] = await this.parts.log.heads([stream], []);
      return { ...nothing, head: found?.id } as P;
    }
  }
}

/** What is to be folded where the view lacks much; all, where what it holds cannot be read. */
export const taskOf = <Doc extends object>(
  source: Source<Doc>,
  { applied, head = START }: Lack,
  found: readonly Placed<Doc>[] | undefined,
) => ({ ...source, after: found ? applied : START, end: eventId(head), stored: found ?? [] });
