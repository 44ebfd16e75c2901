/**
 * Reads that are never stale: the view, plus the events of the log after it, folded in memory by the same projection. Also `as_of`:
 * the same fold stopped earlier. Every feature's queries read through here. What is short is shared by all who ask; what is long waits for
 * its turn.
 */
import { compareEventIds, eventId, invalid, parseEventId, parseTime, START } from '../envelope.ts';
import type { Decode, EventId, RawEvent } from '../envelope.ts';
import type { Log } from '../log/log.ts';
import type { StreamRef } from '../keys.ts';
import { Lacking, MISSING, taskOf } from './lacking.ts';
import type { Source } from './lacking.ts';
import { LongReads } from './long-reads.ts';
import type { LongReadLimits } from './long-reads.ts';
import { canChange, fitting } from './leaf.ts';
import { pick, Sheet } from './projection.ts';
import type { Termed } from './leaf.ts';
import type { Placed, Projection, PageRange, Step } from './projection.ts';
import type { Page, StoredDoc, TermsPage, TermsRange, Views } from './store.ts';

/** Where a read stops: everything, or the log up to an event id or a time (its end is the id of that millisecond's last event). */
export type AsOf = string | undefined;

export interface ReadingOptions {
  readonly log: Log;
  readonly views: Views;
  readonly decode: Decode;
  /** Composed, as the projectors have them: a feature reads by its own part, and gets what others contribute too. */
  readonly projections: readonly Projection[];
  readonly limits?: Partial<ReadLimits>;
}

export interface ReadLimits extends LongReadLimits {
  /** Events of one backlog that are held in memory; more are folded when they are asked for. */
  readonly backlog: number;
  /** Events of all backlogs that are kept. */
  readonly kept: number;
}

/** Some tens of megabytes at the most. */
const LIMITS: ReadLimits = {
  backlog: 10_000,
  kept: 20_000,
  held: 10_000,
  atOnce: 2,
  waiting: 64,
  waitMs: 5_000,
  workMs: 30_000,
};

/** An answer, and the event up to which it holds. */
interface Now<T> {
  readonly answer: T;
  readonly head: string | undefined;
}

/** What one look into a view of terms found. */
export type Look = Pick<TermsPage, 'places' | 'next'> & { readonly late: ReadonlyMap<string, string | undefined> };

export class Reading {
  private readonly log: Log;
  private readonly views: Views;
  private readonly projections: ReadonlyMap<string, Projection>;
  private readonly view: Lacking;
  private readonly long: LongReads;

  constructor({ log, views, decode, projections, limits }: ReadingOptions) {
    this.log = log;
    this.views = views;
    this.projections = new Map(projections.map((projection) => [projection.name, projection]));
    const within = { ...LIMITS, ...limits };
    this.view = new Lacking({ ...within, log, views, decode });
    this.long = new LongReads(log, decode, within);
  }

  /**
   * One page of a collection, nearest to `from` first. Documents are JSON, unparsed where the view was up to date. Where that is not all
   * of the work, `permission` is waited for first.
   */
  async page<Doc extends object>(
    part: Projection<Doc>,
    stream: StreamRef,
    range: PageRange,
    asOf: AsOf,
    permission?: Promise<unknown>,
  ): Promise<StoredDoc[]> {
    const source = this.source(part, stream);
    if (asOf === undefined) return (await this.pageNow(source, range, permission)).answer;
    await permission;
    return this.asOf(stream, asOf, {
      now: () => this.pageNow(source, range),
      past: async (end) => {
        const task = { ...source, after: START, end, stored: [], fits: fitsOn(source, range) };
        return (await this.long.page(task, range)).map(stored);
      },
    });
  }

  /** Documents by key; a missing one has no entry. They are shared: nobody may change one. */
  async byKeys<Doc extends object>(
    part: Projection<Doc>,
    stream: StreamRef,
    keys: readonly string[],
    asOf?: AsOf,
  ): Promise<Map<string, Placed<Doc>>> {
    const source = this.source(part, stream);
    const now = () => this.byKeysNow(source, keys);
    const past = (end: EventId) => this.long.byKeys({ ...source, after: START, end, stored: [] }, keys);
    const sheet = asOf === undefined ? (await now()).answer : await this.asOf(stream, asOf, { now, past });
    return new Map(
      keys.flatMap((key) => {
        const placed = sheet.get(key);
        return placed ? [[key, placed] as const] : [];
      }),
    );
  }

  /** Documents of a collection as of then that fit, by order. */
  async allThen<Doc extends object>(
    part: Projection<Doc>,
    stream: StreamRef,
    asOf: string,
    fits: (doc: Doc) => boolean,
  ): Promise<Doc[]> {
    const task = { ...this.source(part, stream), after: START, end: endOf(asOf), stored: [], fits };
    return (await this.long.all(task)).map(({ doc }) => doc);
  }

  /** Tells of the events after an id up to then, in their order. */
  eventsThen(
    stream: StreamRef,
    after: string,
    asOf: string,
    take: (events: readonly RawEvent[]) => void,
  ): Promise<void> {
    return this.long.events({ stream, after, end: endOf(asOf) }, take);
  }

  /** A stream's entity, or undefined when there is none. */
  async entity<Doc extends object>(part: Projection<Doc>, stream: StreamRef): Promise<Doc | undefined> {
    const source = this.source(part, stream);
    const asked = this.views.entity(source.projection, stream);
    const { applied, head, doc } = await this.view.readable(stream, asked, NO_ENTITY);
    if (applied === head || head === undefined) return doc;
    const found = doc ? [{ order: 0, doc }] : [];
    const page = { applied, head, missing: [], more: applied };
    const sheet =
      (await this.view.sheet(source, page, found)) ?? (await this.long.byKeys(taskOf(source, page, found), ['']));
    return sheet.get('')?.doc;
  }

  /**
   * One look into a view of terms: where documents may be that have what is wanted, newest first. What the view lacks comes with the first
   * look of a walk: of each document that fits there, the event that put it, or undefined where that is not among what the view lacks.
   */
  async terms(
    part: Projection<Termed>,
    stream: StreamRef,
    range: TermsRange,
    look: 'first' | 'further',
  ): Promise<Look> {
    const source = this.source(part, stream);
    const missing = look === 'first' ? MISSING : 0;
    const asked = this.views.terms(source.projection, stream, range, missing);
    const page = await this.view.readable(stream, asked, NO_TERMS);
    const late = new Map<string, string | undefined>();
    const { applied, head = START } = page;
    if (look === 'further' || applied === head) return { ...page, late };
    const fits = { ever: fitting(range.wanted), changed: fitting(range.wanted.filter(canChange)) };
    const take = (steps: readonly Step<Termed>[]) => {
      for (const step of steps) {
        if ('put' in step) {
          if (fits.ever(step.put.terms ?? [])) late.set(step.key, step.put.at);
        } else if ('change' in step && !late.has(step.key)) {
          const { added } = step.change({ id: step.key, at: '', terms: null, added: [] });
          if (added.some(fits.changed)) late.set(step.key, undefined);
        }
      }
    };
    const steps = await this.view.steps(source, page);
    if (steps) for (const each of steps) take(each);
    else await this.long.each(taskOf(source, page, []), take);
    return { ...page, late };
  }

  private source<Doc extends object>(part: Projection<Doc>, stream: StreamRef): Source<Doc> {
    const found = this.projections.get(part.name);
    if (!found) throw new Error(`no view is called ${part.name}`);
    return { projection: found as unknown as Projection<Doc>, stream };
  }

  private async pageNow<Doc extends object>(
    source: Source<Doc>,
    range: PageRange,
    permission?: Promise<unknown>,
  ): Promise<Now<StoredDoc[]>> {
    for (let limit = range.limit; ;) {
      const asked = this.views.page(source.projection, source.stream, { ...range, limit }, MISSING);
      const page = await this.view.readable(source.stream, asked, NO_PAGE);
      const { applied, head } = page;
      if (applied === head || head === undefined) return { answer: page.docs.slice(0, range.limit), head };
      await permission;
      // A full page ends at its last document: what the backlog has beyond it comes after others that were not read.
      const isFull = page.docs.length === limit;
      const answer = await this.pageOver(source, page, isFull ? { ...range, last: page.docs.at(-1)?.order } : range);
      if (answer.length === range.limit || !isFull) return { answer: answer.map(stored), head };
      // The backlog took some of the page away: as many more are needed, at least.
      limit += range.limit - answer.length;
    }
  }

  /** A stored page with what the view lacks. */
  private async pageOver<Doc extends object>(
    source: Source<Doc>,
    page: Page,
    range: PageRange,
  ): Promise<Placed<Doc>[]> {
    const fits = fitsOn(source, range);
    const found = parsed<Doc>(page);
    const sheet = found && (await this.view.sheet(source, page, found));
    if (sheet) return pick(sheet.sorted(), range, fits);
    return this.long.page({ ...taskOf(source, page, found), fits }, range);
  }

  private async byKeysNow<Doc extends object>(source: Source<Doc>, keys: readonly string[]): Promise<Now<Sheet<Doc>>> {
    const asked = this.views.byKeys(source.projection, source.stream, keys, { missing: MISSING });
    const page = await this.view.readable(source.stream, asked, NO_PAGE);
    const found = parsed<Doc>(page);
    const sheet = found && (await this.view.sheet(source, page, found));
    return { answer: sheet ?? (await this.long.byKeys(taskOf(source, page, found), keys)), head: page.head };
  }

  /** Where nothing has come since, what was then is what is now. */
  private async asOf<T>(
    stream: StreamRef,
    asOf: string,
    { now, past }: { readonly now: () => Promise<Now<T>>; readonly past: (end: EventId) => Promise<T> },
  ): Promise<T> {
    const end = endOf(asOf);
    const isSame = (head: string | undefined) => head === undefined || compareEventIds(eventId(head), end) <= 0;
    const [found] = await this.log.heads([stream], []);
    if (isSame(found?.id)) {
      const { answer, head } = await now();
      if (isSame(head)) return answer;
    }
    return past(end);
  }
}

const NO_PAGE = { applied: START, docs: [], missing: [], more: START };
const NO_TERMS = { applied: START, places: [], next: undefined, missing: [], more: START };
const NO_ENTITY = { applied: START, doc: undefined };

/** The documents of a page, or undefined where one cannot be read. */
function parsed<Doc>({ docs }: Page): Placed<Doc>[] | undefined {
  try {
    return docs.map(({ order, json }) => ({ order, doc: JSON.parse(json.toString()) as Doc }));
  } catch {
    return undefined;
  }
}

const fitsOn = <Doc extends object>({ projection }: Source<Doc>, { shelf }: PageRange) =>
  shelf === undefined ? undefined : (doc: Doc) => projection.shelves!(doc).includes(shelf);

const stored = <Doc>({ order, doc }: Placed<Doc>): StoredDoc => ({ order, json: Buffer.from(JSON.stringify(doc)) });

function endOf(asOf: string): EventId {
  const id = parseEventId(asOf);
  if (id) return id;
  const ms = parseTime(asOf);
  if (ms === undefined)
    throw invalid([{ pointer: '/query/as_of', message: 'must be an event id or an RFC 3339 time' }]);
  return { ms, seq: Number.MAX_SAFE_INTEGER };
}
