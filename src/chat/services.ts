/** What features ask of each other. Each of these is made once by the feature that owns it; nobody reaches into another's folder. */
import type { Static } from 'typebox';
import type { Context } from '../envelope.ts';
import type { Appended } from '../log/log.ts';
import type { Authentication } from './accounts/authentication.ts';
import type { User } from './accounts/contract.ts';
import type { Attached, Uploaded } from './attachments/contract.ts';
import type { Answer, Membership, OpenSocket, RawJson, Reactor, SessionListener } from './feature.ts';
import type { Outgoing } from '../outgoing.ts';
import type { Permission } from './access.ts';
import type { Message, MessageAnswer } from './messages/contract.ts';
import type { Text } from './rules/check.ts';

/** A user as others see one. */
export interface Person {
  readonly id: string;
  readonly username: string;
  readonly display_name: string;
  readonly avatar_url: string | null;
}

export interface People {
  /** Public profiles by id; one entry for every id, also for whoever is gone. */
  people(ids: readonly string[]): Promise<Map<string, Person>>;
  /** Those of the ids that are living users. */
  exists(ids: readonly string[]): Promise<string[]>;
  /** Who holds these usernames, in any case; a name that nobody has has no entry. It may be somebody who is gone. */
  named(usernames: readonly string[]): Promise<Map<string, string>>;
  /** The user as the user sees it, with `email`. Throws `unauthenticated` for who is gone. */
  own(userId: string): Promise<User>;
}

/** Admins of the whole server. */
export interface Admins {
  isAdmin(userId: string): Promise<boolean>;
}

/** Each user's own list of conversations, which lies in another slot than the conversations do. */
export interface Memberships {
  /** Ids of the conversations that a user is in. */
  of(userId: string): Promise<string[]>;
  /** The same with those that the user was in once. */
  ever(userId: string): Promise<string[]>;
  /** Brings users' lists up to an event of a conversation; what cannot be written of others the reactor does. Safe to repeat. */
  record(memberships: readonly Membership[], eventId: string, actorId: string): Promise<void>;
  /** The same for every event that changes who is in. */
  readonly lists: Reactor;
  /** Takes a user out of every conversation that can be left, for this command. Safe to repeat. */
  leaveAll(userId: string, by: Context): Promise<void>;
}

/** A user's own settings of a conversation. */
export interface ConversationSettings {
  /** Unix ms; in the past: not muted any more. */
  readonly mutedUntil: number | undefined;
  /** How many messages it had when it was archived: a further one brings it back. */
  readonly archivedAt: number | undefined;
  readonly pinned: boolean;
}

export interface Settings {
  /** One entry for every id. */
  of(userId: string, conversationIds: readonly string[]): Promise<ReadonlyMap<string, ConversationSettings>>;
}

/** Blocks between users, of which nobody is told the direction. */
export interface Blocks extends SessionListener {
  /** Those of the others between whom and the user there is a block, in either direction. */
  between(userId: string, others: readonly string[]): Promise<ReadonlySet<string>>;
  /** All between whom and the user there is a block. */
  all(userId: string): Promise<ReadonlySet<string>>;
  /** Whom an actor's presence, typing and receipts are kept from, of those with a socket on this node; undefined: nobody. */
  hiddenFrom(actorId: string): ((userId: string) => boolean) | undefined;
  /** A block between the two came or went. */
  heard(userId: string, otherId: string): Promise<void>;
}

/** What a conversation is, without anything that was said in it. */
export interface Glimpse {
  readonly id: string;
  readonly type: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly avatar_url: string | null;
  readonly member_count: number;
}

/** Conversations as they stand for one caller. */
export interface Rooms {
  /** The caller has checked that it may be shown; undefined where there is none or it was deleted. */
  glimpse(id: string): Promise<Glimpse | undefined>;
  /** Throws `not_found` where the caller may not see it. */
  one(userId: string, id: string): Promise<RawJson>;
  /**
   * The caller's conversations of most recent activity in brief, as JSON texts, what is unread in all of them, and the last event id of
   * every one: also of those that were deleted, since that is an event which the caller may not have seen. `only` looks at no other
   * conversation.
   */
  recent(
    userId: string,
    limit: number,
    only?: string,
  ): Promise<{ items: string[]; totalUnread: number; heads: ReadonlyMap<string, string> }>;
}

/** A member's place among the others: the whole part is the seq of the event by which they came in. */
export interface Place {
  readonly userId: string;
  readonly place: number;
}

/** Who is in a conversation. Asks nothing: the caller has checked that the reader may know. */
export interface Participants {
  /** In the order of joining, after a place. */
  page(conversationId: string, after: number, limit: number, asOf?: string): Promise<Place[]>;
}

export type ReadStatus = NonNullable<Static<typeof MessageAnswer>['read_status']>;

/** How far the others in a conversation are. */
export interface Receipts {
  /** What their sender is told of messages, by the seq of each: the least that holds for all others, and no status but `sent` of many. */
  statuses(senderId: string, conversationId: string): Promise<(seq: number) => ReadStatus>;
}

/** Who reads of which conversation, as of when, and where that is still being asked, whether they may. */
export interface Reader {
  readonly readerId: string;
  readonly conversationId: string;
  readonly asOf?: string | undefined;
  readonly permission?: Permission;
}

/** Reads of history. They ask nothing: the caller has checked that the reader may see it. */
export interface Messages {
  /** The newest message as this reader gets it, as JSON; `null` where there is none. */
  newest(conversationId: string, readerId: string): Promise<string>;
  find(conversationId: string, messageId: string): Promise<Message | undefined>;
  /** One message as this reader gets it. Throws `not_found`. */
  seenBy(readerId: string, conversationId: string, messageId: string, asOf?: string): Promise<RawJson>;
  /**
   * A page of history as this reader gets it, or of what stands on one shelf of it; the cursor of an earlier page goes on as that one went.
   * Throws `validation_failed` for a cursor that is none.
   */
  page(
    reader: Reader,
    range: { order: 'asc' | 'desc'; cursor: string | undefined; limit: number; shelf?: string },
  ): Promise<RawJson>;
  /** Those of the messages that are there. */
  some(conversationId: string, messageIds: readonly string[]): Promise<Message[]>;
  /** Messages as of then that fit. */
  someThen(conversationId: string, asOf: string, fits: (message: Message) => boolean): Promise<Message[]>;
  /** Each of the messages as this reader gets it, as JSON texts. */
  shownTo(readerId: string, conversationId: string, messages: readonly Message[]): Promise<string[]>;
  /** A list of messages as this reader gets them. */
  listFor(
    readerId: string,
    conversationId: string,
    messages: readonly Message[],
    about: { next: string | null; asOf: string | undefined },
  ): Promise<RawJson>;
}

/** A message, by where it stands. */
export interface MessagePlace {
  readonly conversationId: string;
  readonly messageId: string;
}

/** Files that messages carry. */
export interface Attachments {
  /** Takes the file that comes with a request. Throws what it is refused with. */
  upload(context: Context): Promise<{ uploaded: Uploaded; eventId: string }>;
  /**
   * What a message is about to carry: the user's own uploads, or those of a message that the user sees. They stay for it from now on; it is
   * looked later whether it came. Safe to repeat. Throws `not_found`.
   */
  claim(userId: string, ids: readonly string[], use: MessagePlace, from?: MessagePlace): Promise<Attached[]>;
  /** The message was refused. */
  unclaim(ids: readonly string[], use: MessagePlace): Promise<void>;
  /** The id of an upload of what stands in a message's text. Safe to repeat. Throws what it is refused with. */
  fromText(context: Context, file: TextFile): Promise<string>;
}

/** A file as a `data:` address in the text of a message. */
export interface TextFile {
  readonly messageId: string;
  readonly kind: 'image' | 'audio';
  readonly address: string;
}

/** How a user looks to others. */
export interface Presence {
  readonly status: 'online' | 'away' | 'busy' | 'offline';
  readonly status_text: string | null;
  /** To the minute; null where nobody ever saw the user. */
  readonly last_seen: string | null;
}

export interface Presences {
  /** How the caller may see a user: who shares no conversation with the caller, or has a block with them, looks offline. */
  seenBy(context: Pick<Context, 'caller' | 'now'>, userId: string): Promise<Presence>;
}

/** What people may not write here: the server's rules and those of a conversation. */
export interface ContentRules {
  /** Runs the append of a text with what its script must know of the rules. Throws `content_rejected`, which names the rule. */
  guarded(
    conversationId: string,
    text: Text,
    append: (verdict: { rules: string; broken: string }) => Promise<Appended>,
  ): Promise<Appended>;
  /** Throws `content_rejected` for a name, description or status text, by its field, that the server's rules refuse. */
  checkNames(texts: Readonly<Record<string, string | null | undefined>>): Promise<void>;
}

/**
 * Runs another feature's command through the door, for whoever the context names: with its checks and its limits. For what happens by
 * itself or on somebody's behalf. Only from within a command, a timer or a reactor.
 */
export type Perform = (type: string, context: Context, data: object) => Promise<Answer>;

export interface BotWanted {
  readonly id: string;
  readonly username: string;
  readonly display_name: string | undefined;
  /** The conversations that its key is for; undefined: all. */
  readonly scope: readonly string[] | undefined;
}

/** Accounts that have an API key in the place of a password. */
export interface BotAccounts {
  /** Answers the key. `mayBeMade` is asked when its name is claimed and nothing else is written. Throws `conflict` for a taken name. */
  make(context: Context, wanted: BotWanted, mayBeMade: () => Promise<void>): Promise<string>;
  /** Ends the account, with its key and its sockets. Safe to repeat. */
  end(botId: string, context: Context): Promise<void>;
}

/** How far the devices of users have got. */
export interface Devices extends SessionListener {
  /**
   * Where the device of a socket goes on, by the ids of the user and of those of the conversations whose heads are given. Nothing of a device that is
   * new: it begins at the heads.
   */
  marks(socket: OpenSocket, heads: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, string>>;
}

export interface Services {
  readonly outgoing: Outgoing;
  /** What follows from the server's secret for a thing by its name: nobody can guess it, and it is stored nowhere. */
  readonly secretOf: (thing: string) => string;
  readonly botAccounts: BotAccounts;
  readonly perform: Perform;
  readonly identity: Authentication;
  readonly people: People;
  readonly admins: Admins;
  readonly memberships: Memberships;
  readonly participants: Participants;
  readonly receipts: Receipts;
  readonly messages: Messages;
  readonly presences: Presences;
  readonly settings: Settings;
  readonly blocks: Blocks;
  readonly attachments: Attachments;
  readonly devices: Devices;
  readonly rooms: Rooms;
  readonly rules: ContentRules;
}
