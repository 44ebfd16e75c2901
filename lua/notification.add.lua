-- notification.add   a user is notified of an event of a conversation, once: an earlier event than the last one changes nothing
-- KEYS     log head notified unread notified_at feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope conversation source notification data
-- FAIL     not_found
-- EMITS    notification.created/1
-- INCLUDE  append ids

-- Of each conversation the last event that was looked at: its events come one after the other.
local mark = redis.call('HGET', notified_at, conversation)
if mark and not is_before(mark, source) then return { 'unchanged' } end
local registered, deleted = read_head('registered', 'deleted')
if not registered or deleted then return { 'fail', 'not_found', 'There is no such user' } end

-- Both are sorted sets of notifications by the seq of their event: all that are kept, and those not read yet. The entry '-' is none: it
-- keeps a key in being, since a script may only name keys that exist. Whoever has the most gives the oldest for a new one.
local MOST = 1000
local oldest = redis.call('ZCARD', notified) > MOST and redis.call('ZRANGE', notified, 1, 1)[1]
if oldest then data = string.sub(data, 1, -2) .. ',"drops":"' .. oldest .. '"}' end

local id = append('notification.created', 1, data)
if oldest then
  redis.call('ZREM', notified, oldest)
  redis.call('ZREM', unread, oldest)
end
redis.call('ZADD', notified, last_seq, notification)
redis.call('ZADD', unread, last_seq, notification)
redis.call('HSET', notified_at, conversation, source)
return commit(id)
