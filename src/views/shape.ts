/**
 * What a shape is: how the documents of one stream lie in Redis, and how they are brought there. The first key of each is a hash that carries
 * `applied`, the id of the last event in it. Only described here: the projector's script carries writes out together with its checkpoint.
 */
import { START } from '../envelope.ts';
import type { Keys, StreamRef } from '../keys.ts';
import type { Write } from '../log/consumer-group.ts';
import type { Placed, Projection, Sheet } from './projection.ts';
import type { Views } from './store.ts';

/** The field of every view's first key that holds the id of the last event applied. */
export const APPLIED = 'applied';

/** What a key holds to the last byte: a hash's fields with their values, or a sorted set's members with their scores. */
export interface KeyContent {
  readonly type: 'hash' | 'zset';
  readonly names: ReadonlyMap<string, string>;
  /** Others have names in it too: only these are looked at. */
  readonly isShared?: true;
  /** Names that may be there, whatever they have: no log tells what left Redis. */
  readonly mayHave?: (name: string) => boolean;
  /** Words of the values that are '*' may be anything. */
  readonly hasWildWords?: true;
}

export type Content = ReadonlyMap<string, KeyContent>;

export interface Shape<Doc extends object> {
  /** Every key in which the view of this stream may lie. */
  readonly keys: readonly string[];
  /** The sorted set that names the files of documents which left Redis; where they may. */
  readonly archived?: string | undefined;
  /** Documents of these keys as the view has them. Throws where what is stored cannot be read. */
  load(keys: readonly string[]): Promise<Sheet<Doc>>;
  /** The writes that bring the view to what a fold made of the sheet. Whatever the fold touched must have been loaded. */
  writes(sheet: Sheet<Doc>, applied: string): Write[];
  /** The writes that delete the view of this stream. */
  clearing(): Write[];
  /** The writes that empty it and make every key of it, before its first event: scripts name them all, and a key that they name must exist. */
  beginning(): Write[];
  /** What lies in the keys where the view holds exactly these documents; for proofs. */
  content(docs: readonly Placed<Doc>[], applied: string): Content;
}

/** What a shape is made of. */
export interface ShapeParts<Doc extends object> {
  readonly projection: Projection<Doc>;
  readonly stream: StreamRef;
  /** Under which its keys lie. */
  readonly view: string;
  readonly keys: Keys;
  readonly views: Pick<Views, 'byKeys' | 'hasAny' | 'entity' | 'places' | 'members' | 'count'>;
}

/** What keeps a sorted set in being that has no document. */
export const NOTHING = '-';
/** Its place behind all that can be asked for. `lua/view.page.lua` knows it. */
export const BEYOND = String(Number.MAX_SAFE_INTEGER);
/** Arguments of one write: Lua can unpack some thousands at most. */
const ARGS_PER_WRITE = 1_000;

/** The field of a collection's first key that says which documents may lie in files: the highest order, and the highest key. */
export const ARCHIVED = 'archived';

/** A view that holds nothing has no field that says so. */
export const standing = (applied: string): [string, string][] => (applied === START ? [] : [[APPLIED, applied]]);

export const unlinking = (keys: readonly string[]): Write[] =>
  keys.map((key) => ({ command: 'UNLINK', key, args: [] }));

export function chunks(args: string[]): string[][] {
  const parts: string[][] = [];
  for (let i = 0; i < args.length; i += ARGS_PER_WRITE) parts.push(args.slice(i, i + ARGS_PER_WRITE));
  return parts;
}
