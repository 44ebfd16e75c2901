/**
 * Conversations below the features: driven by the real scripts, read as the real entries. Also what every script must leave behind (an
 * event in log and feed, the chain, the heads), and what a refusal must leave: nothing.
 */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { banText } from '../../src/chat/bans/guard.ts';
import type { Ban } from '../../src/chat/bans/guard.ts';
import { ChatError } from '../../src/errors.ts';
import { conversationStream } from '../../src/keys.ts';
import type { StreamRef } from '../../src/keys.ts';
import { NO_RULES } from '../../src/chat/rules/contract.ts';
import type { Rules } from '../../src/chat/rules/contract.ts';
import type { Append, Appended, Log } from '../../src/log/log.ts';
import { seqOf } from '../../src/log/log.ts';
import type { World } from './world.ts';

const idOf = (kind: string, n: number): string => `01K${kind}${String(n).padStart(22, '0')}`;
export const user = (n: number): string => idOf('A', n);
export const room = (n: number): StreamRef => conversationStream(idOf('C', n));
export const message = (n: number): string => idOf('M', n);
export const invite = (n: number): string => idOf('X', n);
export const request = (n: number): string => idOf('R', n);

/** Owner, creator and first admins of a room are users 1, 2, 3 … */
export interface Plan {
  readonly kind?: 'direct' | 'group' | 'channel';
  readonly name?: string | null;
  readonly policy?: string;
  /** Roles of users 1, 2, 3 … */
  readonly roles?: readonly string[];
}

export interface Stored {
  readonly id: string;
  readonly type: string;
  readonly event: string;
  readonly proof: string;
  readonly data: unknown;
}

type More = Partial<Append>;
/** What a node says of a text: by which rules it looked at it, and which of them it breaks. */
interface Verdict {
  rules?: string;
  broken?: string;
}

export class Room {
  readonly stream: StreamRef;
  private readonly world: { readonly log: Log };

  constructor(world: { readonly log: Log }, n = 1) {
    this.world = world;
    this.stream = room(n);
  }

  run(script: string, actor: number, args: Append['args'] = {}, more: More = {}): Promise<Appended> {
    return this.world.log.append({ script, stream: this.stream, actorId: user(actor), args, ...more });
  }

  create(plan: Plan = {}, more: More = {}): Promise<Appended> {
    const { kind = 'group', name = 'a room', policy = 'admins everyone admins members' } = plan;
    const roles = plan.roles ?? ['owner', 'member', 'member'];
    const participants = roles.map((role, i) => ({ user_id: user(i + 1), role }));
    const [add, post, edit_info, pin] = policy.split(' ');
    const words = { add, post, edit_info, pin };
    const data = { type: kind, name, description: null, avatar_url: null, policy: words, participants };
    return this.run(
      'conversation.create',
      1,
      {
        kind,
        policy,
        directory: kind === 'channel' ? `${name ?? ''}\n${this.stream.id}` : '',
        data: JSON.stringify(data),
        participants: participants.flatMap((p) => [p.user_id, p.role]),
      },
      more,
    );
  }

  send(
    actor: number,
    n: number,
    text = `message ${n}`,
    more: More & Verdict & { replyTo?: number } = {},
  ): Promise<Appended> {
    const { replyTo, rules = '', broken = '', ...rest } = more;
    const reply_to = replyTo === undefined ? null : message(replyTo);
    const data = {
      message_id: message(n),
      content: text,
      message_type: 'text',
      reply_to,
      attachments: [],
      mentions: [],
      mentions_all: false,
      metadata: {},
    };
    const args = { message_id: message(n), reply_to: reply_to ?? '', rules, broken, data: JSON.stringify(data) };
    return this.run('message.send', actor, args, rest);
  }

  edit(
    actor: number,
    n: number,
    text = 'other words',
    more: More & Verdict & { window?: number } = {},
  ): Promise<Appended> {
    const { window = 0, rules = '', broken = '', ...rest } = more;
    const data = { message_id: message(n), content: text, mentions: [], mentions_all: false };
    return this.run(
      'message.edit',
      actor,
      { message_id: message(n), window: String(window), rules, broken, data: JSON.stringify(data) },
      rest,
    );
  }

  takeBack(actor: number, n: number, more: More & { window?: number } = {}): Promise<Appended> {
    const { window = 0, ...rest } = more;
    return this.run('message.delete', actor, { message_id: message(n), window: String(window) }, rest);
  }

  setRules(actor: number, rules: Partial<Rules>, more: More = {}): Promise<Appended> {
    const all = { ...NO_RULES, ...rules };
    const state = Object.keys(rules).length === 0 ? 'none' : 'some';
    return this.run('rules.change', actor, { state, data: JSON.stringify(all) }, more);
  }

  pin(actor: number, n: number, more: More = {}): Promise<Appended> {
    return this.run('message.pin', actor, { message_id: message(n) }, more);
  }

  unpin(actor: number, n: number, more: More = {}): Promise<Appended> {
    return this.run('message.unpin', actor, { message_id: message(n) }, more);
  }

  add(actor: number, users: readonly number[], role = 'member', more: More = {}): Promise<Appended> {
    return this.run('participant.add', actor, { role, users: users.map(user) }, more);
  }

  remove(actor: number, target: number, more: More = {}): Promise<Appended> {
    return this.run('participant.remove', actor, { user: user(target) }, more);
  }

  ban(actor: number, target: number, about: Partial<Ban> = {}, more: More = {}): Promise<Appended> {
    const ban = { until: null, reason: null, ...about };
    const data = JSON.stringify({ user_id: user(target), ...ban });
    return this.run('ban.add', actor, { user: user(target), ban: banText(ban), data }, more);
  }

  unban(actor: number, target: number, more: More = {}): Promise<Appended> {
    return this.run('ban.remove', actor, { user: user(target) }, more);
  }

  invite(
    actor: number,
    n: number,
    { expiresIn = '-' as number | '-', maxUses = '-' as number | '-' } = {},
    more: More = {},
  ): Promise<Appended> {
    const args = { invite: invite(n), expires_in: String(expiresIn), max_uses: String(maxUses) };
    return this.run('invite.create', actor, args, more);
  }

  revoke(actor: number, n: number, more: More = {}): Promise<Appended> {
    return this.run('invite.revoke', actor, { invite: invite(n) }, more);
  }

  accept(actor: number, n: number, more: More = {}): Promise<Appended> {
    return this.run('invite.accept', actor, { invite: invite(n) }, more);
  }

  changeRole(actor: number, target: number, role: string, more: More = {}): Promise<Appended> {
    return this.run('participant.change_role', actor, { user: user(target), role }, more);
  }

  update(
    actor: number,
    changes: object,
    { policy = '', directory = '', slow = '', archived = '' } = {},
    more: More = {},
  ): Promise<Appended> {
    const args = { policy, slow, archived, directory, data: JSON.stringify(changes) };
    return this.run('conversation.update', actor, args, more);
  }

  slowMode(actor: number, slow_mode_seconds: number): Promise<Appended> {
    return this.update(actor, { slow_mode_seconds }, { slow: String(slow_mode_seconds) });
  }

  archive(actor: number, is_archived = true): Promise<Appended> {
    return this.update(actor, { is_archived }, { archived: is_archived ? '1' : '0' });
  }

  rename(actor: number, name: string): Promise<Appended> {
    return this.update(actor, { name }, { directory: `${name}\n${this.stream.id}` });
  }

  join(actor: number, more: More = {}): Promise<Appended> {
    return this.run('conversation.join', actor, {}, more);
  }

  leave(actor: number, more: More = {}): Promise<Appended> {
    return this.run('conversation.leave', actor, {}, more);
  }

  delete(actor: number, more: More = {}): Promise<Appended> {
    return this.run('conversation.delete', actor, {}, more);
  }

  react(actor: number, n: number, emoji: string, more: More = {}): Promise<Appended> {
    return this.run('reaction.add', actor, { message_id: message(n), emoji }, more);
  }

  unreact(actor: number, n: number, emoji: string, more: More = {}): Promise<Appended> {
    return this.run('reaction.remove', actor, { message_id: message(n), emoji }, more);
  }

  /** To message `n`, or to the newest. */
  read(actor: number, n?: number, more: More & { event?: string } = {}): Promise<Appended> {
    return this.mark('receipt.read', actor, n, more);
  }

  delivered(actor: number, n?: number, more: More & { event?: string } = {}): Promise<Appended> {
    return this.mark('receipt.delivered', actor, n, more);
  }

  markUnread(actor: number, n: number, more: More = {}): Promise<Appended> {
    return this.run('receipt.mark_unread', actor, { message_id: message(n) }, more);
  }

  private mark(script: string, actor: number, n?: number, more: More & { event?: string } = {}): Promise<Appended> {
    const { event = '', ...rest } = more;
    return this.run(script, actor, { message_id: n === undefined ? '' : message(n), event }, rest);
  }

  /** The user who wrote a message; 1 where there is none. */
  async writerOf(n: number): Promise<number> {
    const [, writer = ''] = (await this.guard('messages', message(n)))?.split(' ') ?? [];
    return Number(writer.slice(user(0).length - 4)) || 1;
  }

  key(name: string): string {
    return this.world.log.keys.of(this.stream, name);
  }

  /** A field of the head, the members or the messages. */
  guard(name: string, field: string): Promise<string | null> {
    return this.world.log.connection.commands.hget(this.key(name), field);
  }

  async member(n: number): Promise<string | undefined> {
    return (await this.guard('members', user(n)))?.split(' ')[0];
  }

  /** Every entry of the log, as it lies there. */
  log(): Promise<Stored[]> {
    return this.entries('log');
  }

  /** `[type, data]` of every event. */
  async events(): Promise<[string, unknown][]> {
    return (await this.log()).map(({ type, data }) => [type, data]);
  }

  private async entries(name: 'log' | 'feed'): Promise<Stored[]> {
    const rows = await this.world.log.connection.commands.xrange(this.key(name), '-', '+');
    return rows.map(([id, [, type = '', , event = '', , proof = '']]) => ({
      id,
      type,
      event,
      proof,
      data: (JSON.parse(event) as { data: unknown }).data,
    }));
  }

  /** Runs a command that must append exactly these events, each as the contract says, and nothing else. Answers the command's answer. */
  async appends(work: () => Promise<Appended>, expected: [string, unknown][]): Promise<Appended> {
    const [log, feed] = [await this.log(), await this.entries('feed')];
    const answer = await work();
    expect(answer.status).to.equal('ok');
    const fresh = (await this.log()).slice(log.length);
    expect(fresh.map(({ type, data }) => [type, data])).to.deep.equal(expected);
    const fed = (await this.entries('feed')).slice(feed.length);
    expect(fed.map(({ type, event }) => [type, event])).to.deep.equal(fresh.map(({ type, event }) => [type, event]));
    expect(fed.map(({ id }) => seqOf(id))).to.deep.equal(fresh.map((_, i) => feed.length + i + 1));
    expect(fresh.map(({ id }) => id)).to.include(answer.id);
    await this.holds();
    return answer;
  }

  /** Runs a command that must change nothing at all, guard state included. */
  async changesNothing(work: () => Promise<Appended>): Promise<Appended> {
    const before = await dump(this.world.log);
    const answer = await work();
    expect(await dump(this.world.log)).to.deep.equal(before);
    return answer;
  }

  /** Runs a command that must be refused and leave nothing behind. Answers the code. */
  async refusal(work: () => Promise<unknown>): Promise<string> {
    const before = await dump(this.world.log);
    const error: unknown = await work().then(
      () => new Error('was not refused'),
      (e: unknown) => e,
    );
    if (!(error instanceof ChatError)) throw error;
    expect(await dump(this.world.log)).to.deep.equal(before);
    return error.code;
  }

  /** The log is dense, its times run forward, every event says what its entry says, the chain holds and the heads are at the end. */
  async holds(): Promise<void> {
    let chain = this.key('log');
    let ms = 0;
    const all = await this.log();
    for (const [i, { id, type, event, proof }] of all.entries()) {
      const [entryMs, seq] = id.split('-').map(Number);
      expect(seq).to.equal(i + 1);
      expect(entryMs).to.be.at.least(ms);
      ms = entryMs!;
      const at = new Date(ms).toISOString();
      expect(JSON.parse(event)).to.include({ id, seq, at, type, conversation_id: this.stream.id });
      const [salt = '', digest = '', link] = proof.split(' ');
      expect(sha1(salt + event)).to.equal(digest);
      chain = sha1(`${chain} ${id} ${type} ${digest}`);
      expect(chain).to.equal(link);
    }
    expect(await this.guard('head', 'id')).to.equal(all.at(-1)?.id);
    expect(await this.guard('head', 'chain')).to.equal(chain);
    const feed = await this.entries('feed');
    expect(await this.guard('feed_head', 'id')).to.equal(feed.at(-1)?.id);
  }
}

const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex');

/** The catalogue code that work fails with; the whole text of another error. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => 'was not refused',
    (e: unknown) => e,
  );
  return error instanceof ChatError ? error.code : String(error);
}

/** Every key of the Redis as DUMP gives it. */
export async function dump(log: Log): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const master of log.connection.masters()) {
    for (const key of await master.keys('*')) all[key] = (await master.dumpBuffer(key))?.toString('latin1') ?? '';
  }
  return all;
}

/** A room that lies in this partition. */
export function partitionRoom(world: World, partition: number): Room {
  const lies = (room: Room) => world.log.keys.partitionOf(room.stream.id) === partition;
  return Array.from({ length: 100 }, (_, n) => new Room(world, 900 + n)).find(lies)!;
}

/** Puts events into a partition's feed. Answers the ids of its entries. */
export async function fillFeed(world: World, partition: number, count: number): Promise<string[]> {
  const room = partitionRoom(world, partition);
  await room.create();
  for (let n = 1; n < count; n += 1) await room.send(1, n, 'x'.repeat(100));
  return (await world.log.connection.commands.xrange(room.key('feed'), '-', '+')).map(([id]) => id);
}

/** Moves a partition's clock: the next event cannot be earlier than this. */
export async function setClock(world: World, stream: StreamRef, ms: number): Promise<void> {
  const key = world.log.keys.of(stream, 'feed_head');
  const seq = seqOf((await world.log.connection.commands.hget(key, 'id')) ?? '0-0');
  await world.log.connection.commands.hset(key, 'id', `${ms}-${seq}`);
}
