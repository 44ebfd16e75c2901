/** What the table of roles is made of: who tries, where, and what comes of it for each. */
import type { Json } from './client.ts';

/** Who tries it, in the order of the words of a row. */
export const roles = {
  /**
   * In a group and in a channel. `blocked` is a member whom the owner blocked: there that changes nothing. `banned` was a member once.
   */
  room: ['owner', 'admin', 'member', 'stranger', 'blocked', 'banned'],
  /** In a direct conversation: one of the two, who is in none, and one whom the other one blocked. */
  direct: ['member', 'stranger', 'blocked'],
} as const;

export type Role = (typeof roles.room)[number];

/** Where it is tried. */
export interface Place {
  readonly id: string;
  /** Messages: by who tries it, by someone else, and one that is pinned. Who is in none has no own one: there it is another's. */
  readonly own: string;
  readonly theirs: string;
  readonly pinned: string;
  /**
   * Users: a further member, a further admin, the owner, one who is not in, and one who is banned. In a direct conversation the first three
   * are the other one, and nobody is banned.
   */
  readonly member: string;
  readonly admin: string;
  readonly owner: string;
  readonly outsider: string;
  readonly banned: string;
  /** The code of an invite that the owner made; in a direct conversation of none. */
  readonly invite: string;
  /** A poll of the owner's. */
  readonly poll: string;
}

export interface Row {
  /** The command's type, or the query's name. */
  readonly act: string;
  /** What of it, where that makes a difference. */
  readonly what?: string;
  /** Beside the default: admins add, everyone posts, admins edit, members pin. */
  readonly policy?: Readonly<Record<string, string>>;
  /** `METHOD path` below the conversation's, and a body. */
  readonly rest: (place: Place) => readonly [string, Json?];
  /** The type of the frame, where it is not the act's. */
  readonly frameType?: string;
  /** Data of the frame, beside the conversation's id. */
  readonly frame?: (place: Place) => Json;
  readonly group: string;
  /** As in a group, where it is not said. */
  readonly channel?: string;
  readonly direct: string;
}

export const MEMBERS = 'ok ok ok not_found ok not_found';
export const ADMINS = 'ok ok forbidden not_found forbidden not_found';
export const BOTH = 'ok not_found ok';
/** Who is in no channel, or banned from it, sees that it is there, but not what is in it. */
export const READ_CHANNEL = 'ok ok ok forbidden ok forbidden';
export const NOBODY_DIRECT = 'forbidden not_found forbidden';

export const onMessage = (which: 'own' | 'theirs' | 'pinned', method: string, rest = '', body?: Json) => ({
  rest: (place: Place) => [`${method} /messages/${place[which]}${rest}`, body] as const,
});
export const message = (which: 'own' | 'theirs' | 'pinned', more: Json = {}) => ({
  frame: (place: Place) => ({ message_id: place[which], ...more }),
});
export const reads = (act: string, path: (place: Place) => string): Row => ({
  act,
  rest: (place) => [`GET ${path(place)}`],
  group: MEMBERS,
  channel: READ_CHANNEL,
  direct: BOTH,
});
export const plain = (path: string, body?: Json) => ({ rest: () => [path, body] as const });
