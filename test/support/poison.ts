/** Entries that no script of ours would write, put where ours lie, with dense seqs, so that all that is wrong is what a test means. */
import type { StreamRef } from '../../src/keys.ts';
import type { Log } from '../../src/log/log.ts';

// `@` in the event stands for `"id":…,"seq":…,"at":…`, which our events begin with.
const APPEND = `
local log, head, feed, feed_head = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local ms, feed_seq = string.match(redis.call('HGET', feed_head, 'id') or '0-0', '^(%d+)-(%d+)$')
local seq = tonumber(string.match(redis.call('HGET', head, 'id') or '0-0', '-(%d+)$')) + 1
local id = ms .. '-' .. seq
local event = string.gsub(ARGV[2], '^{@', '{"id":"' .. id .. '","seq":' .. seq .. ',"at":"2025-11-20T14:46:40.000Z"')
redis.call('XADD', log, id, 'type', ARGV[1], 'event', event, 'proof', '- - -')
local feed_id = ms .. '-' .. (feed_seq + 1)
redis.call('XADD', feed, feed_id, 'type', ARGV[1], 'event', event)
redis.call('HSET', head, 'id', id)
redis.call('HSET', feed_head, 'id', feed_id)
return id`;

/** The EVAL that appends an entry of this type and these bytes to a stream's log and to the feed. */
export function rawAppend(log: Log, stream: StreamRef, type: string, event: string): [string, number, ...string[]] {
  const keys = ['log', 'head', 'feed', 'feed_head'].map((name) => log.keys.of(stream, name));
  return [APPEND, keys.length, ...keys, type, event];
}

/** Appends it. Answers its id. */
export async function appendRaw(log: Log, stream: StreamRef, type: string, event: string): Promise<string> {
  return String(await log.connection.commands.eval(...rawAppend(log, stream, type, event)));
}

/** An event of ours but for what is said otherwise. */
export const eventText = (stream: StreamRef, type: string, data: string, version = '1'): string =>
  `{@,"${stream.kind}_id":"${stream.id}","actor_id":"01KA0000000000000000000001","type":"${type}","version":${version},"data":${data}}`;

/** Ways in which an event can be unreadable, by what is wrong. `thing.done` stands for a type of a newer program. */
export const poisons: Record<string, (stream: StreamRef) => [type: string, event: string]> = {
  'broken JSON': (stream) => ['message.sent', eventText(stream, 'message.sent', '{"message_id":')],
  'a missing field': (stream) => ['message.sent', eventText(stream, 'message.sent', '{"content":"x"}')],
  'a version from the future': (stream) => ['message.sent', eventText(stream, 'message.sent', '{}', '99')],
  'an unknown type': (stream) => ['thing.done', eventText(stream, 'thing.done', '{"name":"x"}')],
};
