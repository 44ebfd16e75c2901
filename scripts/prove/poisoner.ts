/**
 * Puts an event into a log and its feed as a program would that is newer, broken or hostile: complete in id, head and chain, and not to
 * be applied. And mends it, as an operator would: the log written anew with the same ids and another event in that place,
 * one that no script decides by.
 */
import { history } from '../../src/chat/messages/history.ts';
import { NOBODY } from '../../src/log/guard.ts';
import { Keys, conversationStream } from '../../src/keys.ts';
import { viewName } from '../../src/views/projection.ts';
import { sha1 } from './truth.ts';
import type { Truth } from './truth.ts';

/** The view that stands still behind a poison. */
export const HISTORY = viewName(history);

const SCRIPT = `#!lua
local log, head, feed, feed_head = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local kind, before, after = ARGV[1], ARGV[2], ARGV[3]
local function parts(id) local ms, seq = string.match(id, '^(%d+)-(%d+)$') return tonumber(ms), tonumber(seq) end
local _, seq = parts(redis.call('HGET', head, 'id'))
local feed_ms, feed_seq = parts(redis.call('HGET', feed_head, 'id'))
local time = redis.call('TIME')
local now = math.max(time[1] * 1000 + math.floor(time[2] / 1000), feed_ms)
local id = string.format('%.0f-%.0f', now, seq + 1)
local event = '{"id":"' .. id .. '","seq":' .. string.format('%.0f', seq + 1) .. before .. after
local digest = redis.sha1hex(event)
local chain = redis.sha1hex(redis.call('HGET', head, 'chain') .. ' ' .. id .. ' ' .. kind .. ' ' .. digest)
redis.call('XADD', log, id, 'type', kind, 'event', event, 'proof', ' ' .. digest .. ' ' .. chain)
redis.call('XADD', feed, string.format('%.0f-%.0f', now, feed_seq + 1), 'type', kind, 'event', event)
redis.call('HSET', head, 'id', id, 'chain', chain)
redis.call('HSET', feed_head, 'id', string.format('%.0f-%.0f', now, feed_seq + 1))
return id
`;

export interface Poison {
  readonly name: string;
  readonly type: string;
  /** Text of the event after its `data` key. */
  readonly data: string;
  /** What the reason given for it must say. */
  readonly reason: RegExp;
}

export const poisons: readonly Poison[] = [
  { name: 'unknown type', type: 'message.exploded', data: '{}}', reason: /unknown event type message\.exploded/ },
  { name: 'broken JSON', type: 'message.sent', data: '{"message_id":"01', reason: /JSON/ },
  { name: 'missing field', type: 'message.sent', data: '{"content":"no id"}}', reason: /message_id/ },
];

export class Poisoner {
  private readonly truth: Truth;
  private readonly keys: Keys;

  constructor(truth: Truth, partitions: number) {
    this.truth = truth;
    this.keys = new Keys(partitions);
  }

  /** Appends the poison to a conversation; the event's id. */
  async poison(conversation: string, actor: string, { type, data }: Poison): Promise<string> {
    const stream = conversationStream(conversation);
    const keys = ['log', 'head', 'feed', 'feed_head'].map((name) => this.keys.of(stream, name));
    const before = `,"at":"2000-01-01T00:00:00.000Z","conversation_id":"${conversation}","actor_id":"${actor}"`;
    const after = `,"type":"${type}","version":1,"data":${data}`;
    return String(await this.truth.client.eval(SCRIPT, keys.length, ...keys, type, before, after));
  }

  /** Puts a sound event in the place of a poison and makes the chain anew from there. Nobody may append meanwhile. */
  async mend(conversation: string, actor: string, id: string): Promise<void> {
    const stream = conversationStream(conversation);
    const key = this.keys.of(stream, 'log');
    const entries = await this.truth.entries(key);
    const batch = this.truth.client.multi().del(key);
    let chain = key;
    for (const entry of entries) {
      const isIt = entry.id === id;
      const type = isIt ? MENDED : entry.fields['type']!.toString();
      const event = isIt ? Buffer.from(soundEvent(conversation, actor, id)) : entry.fields['event']!;
      const [salt = ''] = isIt ? [''] : entry.fields['proof']!.toString().split(' ');
      const digest = sha1(Buffer.concat([Buffer.from(salt), event]));
      chain = sha1(`${chain} ${entry.id} ${type} ${digest}`);
      batch.xadd(key, entry.id, 'type', type, 'event', event, 'proof', `${salt} ${digest} ${chain}`);
    }
    batch.hset(this.keys.of(stream, 'head'), 'chain', chain);
    // The feed's entry has been passed on to everyone, and says what the log says no longer.
    const feed = this.keys.of(stream, 'feed');
    for (const { id: entry, fields } of await this.truth.entries(feed))
      if (fields['event']?.includes(`"id":"${id}"`)) batch.xdel(feed, entry);
    await batch.exec();
  }

  /** `<view> <kind> <stream>` → why, over all partitions. */
  async parked(): Promise<Map<string, { event_id: string; error: string }>> {
    const all = new Map<string, { event_id: string; error: string }>();
    for (const key of await this.truth.keys('chat:{*}:parked'))
      for (const [place, why] of Object.entries(await this.truth.client.hgetall(key)))
        if (place !== NOBODY) all.set(place, JSON.parse(why) as { event_id: string; error: string });
    return all;
  }

  /** Id of the last event in the view of a conversation's history, and of its log. */
  async progress(conversation: string): Promise<{ applied: string; head: string }> {
    const stream = conversationStream(conversation);
    const [applied, head] = await Promise.all([
      this.truth.client.hget(this.keys.view(HISTORY, stream), 'applied'),
      this.truth.client.hget(this.keys.of(stream, 'head'), 'id'),
    ]);
    return { applied: applied ?? '0-0', head: head ?? '0-0' };
  }
}

/** One that changes nothing in the views that had passed the poison over. */
const MENDED = 'conversation.updated';

function soundEvent(conversation: string, actor: string, id: string): string {
  const seq = Number(id.slice(id.indexOf('-') + 1));
  const at = new Date(Number.parseInt(id, 10)).toISOString();
  const about = { conversation_id: conversation, actor_id: actor, type: MENDED, version: 1 };
  return JSON.stringify({ id, seq, at, ...about, data: {} });
}
