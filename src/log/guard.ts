/**
 * Guard state as it follows from a log: what the append scripts keep beside it so that they can decide (`head`, `members` …), and a stream's
 * entries in its partition's directories. Scripts are what write it; this is the same told a second time, for proofs.
 */
import type { Static, TSchema } from 'typebox';
import type { ChatEvent, EventDefinition } from '../envelope.ts';
import type { StreamRef } from '../keys.ts';
import type { Log } from './log.ts';

/** Stands in a value for a word that the log does not tell. */
export const WHATEVER = '*';
/** Stands in the place of a value that other streams' logs tell: it may be anything, or not be there. */
export const UNTOLD = '**';

/** The directories by the name of their key, with whose entries they hold: `<name>\n<id>`, or the id alone. */
export const directories = { channels: 'conversation', users: 'user', online: 'user', attachments: 'user' } as const;
/** What keeps the key of a hash or a directory in being that would be empty: scripts may name only keys that exist. */
export const NOBODY = '-';
/** The same in directories of names, behind every name: a byte that is no text, as it is read. */
export const BEHIND_NAMES = '\ufffd';
export type Directory = keyof typeof directories;

/** What one kind of event does to the guard state of its stream. A feature has one for each event by which its scripts change any. */
export interface GuardHandler {
  readonly type: string;
  apply(state: GuardState, event: ChatEvent): void;
}

/** Ties a handler to an event's definition, so that its data has the definition's type. */
export function guards<S extends TSchema>(
  definition: EventDefinition & { readonly data: S },
  apply: (state: GuardState, event: ChatEvent<Static<S>>) => void,
): GuardHandler {
  return { type: definition.type, apply: apply as GuardHandler['apply'] };
}

/** Something in a key that is not as the logs make it. */
export interface WrongKey {
  readonly key: string;
  readonly event_id: string | undefined;
  readonly reason: string;
}

/** What must hold between a stream and what its events bring about in other slots, where it may come late. */
export interface Check {
  readonly name: string;
  readonly source: StreamRef['kind'];
  readonly types: readonly string[];
  /** `read` gives the stream's events of these types as they are at that moment, again whenever it is asked. */
  wrong(log: Log, stream: StreamRef, read: () => Promise<readonly ChatEvent[]>): Promise<WrongKey[]>;
}

/** One stream's guard state. Every hash that a handler names is held to have nothing else in it. */
export class GuardState {
  /** Hashes by the name of their key. */
  readonly hashes = new Map<string, Map<string, string>>();
  /** Entries in directories, by the name of the directory's key. */
  readonly entries = new Map<Directory, Set<string>>();
  /** `<key name> <field or entry>` → id of the event that last set or removed it. */
  private readonly changedBy = new Map<string, string>();
  private eventId = '';

  /** What is changed from here on is by this event. */
  at(eventId: string): void {
    this.eventId = eventId;
  }

  get(hash: string, field: string): string | undefined {
    return this.hashes.get(hash)?.get(field);
  }

  set(hash: string, field: string, value: string): void {
    entryOf(this.hashes, hash, () => new Map<string, string>()).set(field, value);
    this.changedBy.set(`${hash} ${field}`, this.eventId);
  }

  /** Adds to a field that holds a number. Answers the sum. */
  add(hash: string, field: string, by: number): number {
    const sum = Number(this.get(hash, field) ?? 0) + by;
    this.set(hash, field, String(sum));
    return sum;
  }

  remove(hash: string, field: string): void {
    this.hashes.get(hash)?.delete(field);
    this.changedBy.set(`${hash} ${field}`, this.eventId);
  }

  clear(hash: string): void {
    for (const field of this.hashes.get(hash)?.keys() ?? []) this.remove(hash, field);
  }

  list(directory: Directory, entry: string): void {
    entryOf(this.entries, directory, () => new Set<string>()).add(entry);
    this.changedBy.set(`${directory} ${entry}`, this.eventId);
  }

  unlist(directory: Directory, entry: string): void {
    this.entries.get(directory)?.delete(entry);
    this.changedBy.set(`${directory} ${entry}`, this.eventId);
  }

  eventOf(name: string, field: string): string | undefined {
    return this.changedBy.get(`${name} ${field}`);
  }
}

function entryOf<K, V>(map: Map<K, V>, name: K, make: () => V): V {
  let value = map.get(name);
  if (value === undefined) map.set(name, (value = make()));
  return value;
}
