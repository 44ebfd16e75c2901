/**
 * The shape `terms`: an inverted index of one stream, made for little memory and for being walked from its newest end. New documents lie on
 * leaves of their own; as soon as there are enough of them they are bound to one leaf, where a term is written once for all that have it.
 * What a change adds to a document lies on a leaf of its own for good. What is to be found is told by a script, `view.terms`.
 */
import { eventId, START } from '../envelope.ts';
import type { Write } from '../log/consumer-group.ts';
import { LEAF, leafOf, placingOn } from './leaf.ts';
import type { Placing, Termed } from './leaf.ts';
import { Sheet } from './projection.ts';
import type { Placed } from './projection.ts';
import { APPLIED, chunks, NOTHING, standing, unlinking } from './shape.ts';
import type { Content, Shape, ShapeParts } from './shape.ts';

/** The last part of the names of its keys, behind the one that says how far it is. */
export const TERMS_PARTS = ['bound', 'fresh', 'added'] as const;

/** The place of what keeps a key in being: before all that can be asked for. `lua/view.terms.lua` knows it. */
const BEFORE = '-1';

const seqOf = ({ at }: Placing): string => String(eventId(at).seq);
const asMember = (placings: readonly Placing[]): [string, string] => [seqOf(placings.at(-1)!), leafOf(placings)];

export class Terms implements Shape<Termed> {
  readonly keys: readonly string[];
  private readonly parts: ShapeParts<Termed>;
  private readonly index: string;
  private readonly bound: string;
  private readonly fresh: string;
  private readonly added: string;
  /** What lies on leaves of its own, where it is to be bound. */
  private unbound: readonly Placing[] = [];

  constructor(parts: ShapeParts<Termed>) {
    const { keys, stream, view } = parts;
    this.parts = parts;
    this.index = keys.view(view, stream);
    const [bound, fresh, added] = TERMS_PARTS.map((part) => keys.view(view, stream, part)) as [string, string, string];
    this.bound = bound;
    this.fresh = fresh;
    this.added = added;
    this.keys = [this.index, bound, fresh, added];
  }

  /** Of documents that are there, only where they stand: the guard knows, so the index need not keep it. */
  async load(keys: readonly string[]): Promise<Sheet<Termed>> {
    const { projection, stream, views } = this.parts;
    const [places, count] = await Promise.all([views.places(projection, stream, keys), views.count(this.fresh)]);
    // Most batches do not fill a leaf: what is there need not be read then.
    this.unbound = count + keys.length < LEAF ? [] : (await views.members(this.fresh)).map(placingOn);
    const sheet = new Sheet<Termed>();
    for (const [i, id] of keys.entries()) {
      const at = places[i];
      if (at !== undefined) sheet.load(id, eventId(at).seq, { id, at, terms: null, added: [] });
    }
    return sheet;
  }

  writes(sheet: Sheet<Termed>, applied: string): Write[] {
    const docs = [...sheet.touched].flatMap((key) => sheet.get(key) ?? []).toSorted((a, b) => a.order - b.order);
    const waiting = [...this.unbound, ...docs.flatMap(({ doc }) => placing(doc))];
    const bound: [string, string][] = [];
    let rest = waiting;
    for (; rest.length >= LEAF; rest = rest.slice(LEAF)) bound.push(asMember(rest.slice(0, LEAF)));
    const fresh = rest.filter((each) => !this.unbound.includes(each)).map((each) => asMember([each]));
    const upTo = bound.at(-1)?.[0];
    return [
      ...(upTo === undefined ? [] : [{ command: 'ZREMRANGEBYSCORE', key: this.fresh, args: ['0', upTo] }]),
      ...adding(this.bound, bound),
      ...adding(this.fresh, fresh),
      ...adding(this.added, docs.flatMap(addedTo)),
      { command: 'HSET', key: this.index, args: [APPLIED, applied] },
    ];
  }

  clearing(): Write[] {
    return unlinking(this.keys);
  }

  beginning(): Write[] {
    const kept = [this.bound, this.fresh, this.added];
    return [...this.clearing(), ...kept.map((key) => ({ command: 'ZADD', key, args: [BEFORE, NOTHING] }))];
  }

  content(docs: readonly Placed<Termed>[], applied: string): Content {
    const all = docs.flatMap(({ doc }) => placing(doc));
    const full = all.length - (all.length % LEAF);
    const bound = Array.from({ length: full / LEAF }, (_, i) => asMember(all.slice(i * LEAF, (i + 1) * LEAF)));
    const nothing: [string, string][] = applied === START ? [] : [[BEFORE, NOTHING]];
    const names = (members: readonly [string, string][]) =>
      new Map([...nothing, ...members].map(([seq, leaf]) => [leaf, seq]));
    return new Map([
      [this.index, { type: 'hash', names: new Map(standing(applied)) }],
      [this.bound, { type: 'zset', names: names(bound) }],
      [this.fresh, { type: 'zset', names: names(all.slice(full).map((each) => asMember([each]))) }],
      [this.added, { type: 'zset', names: names(docs.flatMap(addedTo)) }],
    ]);
  }
}

const placing = ({ at, terms }: Termed): Placing[] => (terms === null ? [] : [{ at, terms }]);

const addedTo = ({ doc: { at, added } }: Placed<Termed>): [string, string][] =>
  added.map((terms) => asMember([{ at, terms }]));

const adding = (key: string, members: readonly [string, string][]): Write[] =>
  chunks(members.flat()).map((args) => ({ command: 'ZADD', key, args }));
