/**
 * What a read model is: a pure function from events to documents. The same fold serves the projector, a query's unprojected tail,
 * `as_of` and a rebuild, so they cannot disagree. Refuses clocks, randomness, settings and I/O: all it knows is state and event.
 */
import type { Static, TSchema } from 'typebox';
import type { ChatEvent, Decode, EventDefinition, RawEvent } from '../envelope.ts';
import type { Packing } from './packing.ts';

/**
 * One change of one document. `put` needs nothing of what was there; `change` is passed over where there is no such document.
 * `order` places a document among its stream's and never changes.
 */
export type Step<Doc> =
  | { readonly key: string; readonly order: number; readonly put: Doc }
  | { readonly key: string; change(doc: Doc): Doc }
  | { readonly key: string; readonly remove: true };

export interface Handler<Doc> {
  readonly type: string;
  steps(event: ChatEvent): Step<Doc>[];
}

export interface Projection<Doc extends object = object> {
  readonly name: string;
  /** Raise it when the documents change: the new version is built beside the old one. */
  readonly version: number;
  /** Streams that it reads. */
  readonly source: 'conversation' | 'user';
  /**
   * `collection`: many ordered documents per stream. `entity`: one flat document per stream, whose key is ''. `terms`: under which words
   * things of the stream are found; its documents are as `leaf.ts` has them, put in the order of the events and never removed.
   */
  readonly shape: 'collection' | 'entity' | 'terms';
  /** The key of a document, as its steps name it. */
  key(doc: Doc): string;
  /**
   * Shelves of a collection: on which of them a document stands, each of which is read as pages of its own, in the collection's order. A
   * document comes onto one when it is put, not by a change: who reads the shelf would not know of it. Orders are whole numbers then.
   */
  shelves?(doc: Doc): readonly string[];
  /** How the documents of a collection are stored; as they are, when absent. */
  readonly packing?: Packing<Doc>;
  /** Of a collection: its documents leave Redis when the log of their events does. None of them is ever removed, and their keys are ULIDs. */
  readonly leaves?: true;
  /** Fields of an entity, which is flat: texts, where '' stands for nothing, and numbers. */
  readonly fields?: Readonly<Record<string, 'string' | 'number'>>;
  /** Of `terms`: the guard hash that has under each document's key, as its first word, the event that put it. */
  readonly placedIn?: string;
  readonly handlers: readonly Handler<Doc>[];
}

/**
 * What one feature adds to the documents of another's projection: reactions on the messages of `history`. It changes what the view holds,
 * so who adds or alters one raises the view's version.
 */
export interface Contribution {
  /** Name of the projection. */
  readonly view: string;
  readonly handlers: readonly Handler<object>[];
  /** Shelves of its own. */
  shelves?(doc: object): readonly string[];
}

/** Each projection with what others contribute to it, behind its own handlers. Throws on a contribution to a view that nobody has. */
export function composeProjections(
  projections: readonly Projection[],
  contributions: readonly Contribution[],
): readonly Projection[] {
  const stray = contributions.find(({ view }) => !projections.some(({ name }) => name === view));
  if (stray) throw new Error(`a contribution is for the view ${stray.view}, which nobody has`);
  return projections.map((projection) => {
    const parts = [projection, ...contributions.filter(({ view }) => view === projection.name)];
    const shelving = parts.filter((part) => part.shelves);
    return {
      ...projection,
      handlers: parts.flatMap(({ handlers }) => handlers),
      ...(shelving.length === 0 ? {} : { shelves: (doc: object) => shelving.flatMap((part) => part.shelves!(doc)) }),
    };
  });
}

/** An entity's text as callers see it. */
export const orNull = (text: string): string | null => (text === '' ? null : text);

/** Ties a handler to an event's definition, so that its data has the definition's type. */
export function when<S extends TSchema, Doc>(
  definition: EventDefinition & { readonly data: S },
  steps: (event: ChatEvent<Static<S>>) => Step<Doc>[],
): Handler<Doc> {
  return { type: definition.type, steps: steps as Handler<Doc>['steps'] };
}

/** The name under which a projection's keys live: `history:v1`. */
export const viewName = (projection: Projection): string => `${projection.name}:v${projection.version}`;

/**
 * What an event does to a projection's documents. Throws on one that cannot be read; also on a type that nobody here knows, since a
 * newer program may read more from it. An event that means nothing to the projection is not even parsed.
 */
export function stepsOf<Doc extends object>(projection: Projection<Doc>, raw: RawEvent, decode: Decode): Step<Doc>[] {
  const handlers = projection.handlers.filter((h) => h.type === raw.type);
  if (handlers.length === 0 && decode.knows(raw.type)) return [];
  const event = decode(raw);
  return handlers.flatMap((h) => h.steps(event));
}

export interface Placed<Doc> {
  readonly order: number;
  readonly doc: Doc;
}

/** A document, or only that there is one and where. */
export type Known<Doc> = Placed<Doc> | Placed<undefined>;

/**
 * What the steps of one event make of the documents that they name, undefined for one that is no more: of all of them, or where one step
 * throws, of none. A document whose content is not known stays so unless it is put.
 */
export function outcomeOf<Doc>(
  steps: readonly Step<Doc>[],
  before: (key: string) => Known<Doc> | undefined,
): Map<string, Known<Doc> | undefined> {
  const outcome = new Map<string, Known<Doc> | undefined>();
  for (const step of steps) {
    const known = outcome.has(step.key) ? outcome.get(step.key) : before(step.key);
    if ('put' in step) outcome.set(step.key, { order: known?.order ?? step.order, doc: step.put });
    else if (!known) continue;
    else if ('remove' in step) outcome.set(step.key, undefined);
    else outcome.set(step.key, known.doc === undefined ? known : { order: known.order, doc: step.change(known.doc) });
  }
  return outcome;
}

/** Documents of one stream in memory: loaded ones and those that the fold made, with what has to be written. */
export class Sheet<Doc extends object> {
  private readonly only: ReadonlySet<string> | undefined;
  private readonly docs = new Map<string, Placed<Doc>>();
  private readonly loaded = new Map<string, Placed<Doc>>();
  /** Keys that the fold put, changed or removed, for the writer. */
  readonly touched = new Set<string>();

  /** `only`: steps for other keys are passed over. */
  constructor(only?: ReadonlySet<string>) {
    this.only = only;
  }

  load(key: string, order: number, doc: Doc): void {
    const placed = { order, doc };
    this.docs.set(key, placed);
    this.loaded.set(key, placed);
  }

  /** One event's steps: all of them or, where it throws, none. */
  apply(steps: readonly Step<Doc>[]): void {
    const { only } = this;
    const mine = only ? steps.filter(({ key }) => only.has(key)) : steps;
    for (const [key, now] of outcomeOf(mine, (each) => this.docs.get(each))) {
      if (now === undefined) this.docs.delete(key);
      else this.docs.set(key, now as Placed<Doc>);
      this.touched.add(key);
    }
  }

  get(key: string): Placed<Doc> | undefined {
    return this.docs.get(key);
  }

  /** The document as the view has it, and where; one that was removed and put again stands elsewhere now. */
  before(key: string): Placed<Doc> | undefined {
    return this.loaded.get(key);
  }

  /** All documents, by order. */
  sorted(): Placed<Doc>[] {
    return [...this.docs.values()].toSorted((a, b) => a.order - b.order);
  }
}

/** Which documents of a stream are asked for: with `from` < order (`up`) or order < `from` (`down`), nearest first. */
export interface PageRange {
  readonly direction: 'up' | 'down';
  readonly from?: number | undefined;
  /** None beyond this order. */
  readonly last?: number | undefined;
  readonly limit: number;
  /** Only what stands on this shelf. */
  readonly shelf?: string;
}

export function isWithin({ direction, from, last }: PageRange, order: number): boolean {
  return direction === 'up'
    ? order > (from ?? -Infinity) && order <= (last ?? Infinity)
    : order < (from ?? Infinity) && order >= (last ?? -Infinity);
}

/** The documents of a range that fit, nearest first. */
export function pick<Doc>(
  placed: readonly Placed<Doc>[],
  range: PageRange,
  fits: ((doc: Doc) => boolean) | undefined,
): Placed<Doc>[] {
  const sign = range.direction === 'up' ? 1 : -1;
  return placed
    .filter(({ order, doc }) => isWithin(range, order) && (!fits || fits(doc)))
    .toSorted((a, b) => sign * (a.order - b.order))
    .slice(0, range.limit);
}
