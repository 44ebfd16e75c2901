-- notification.add   a user is notified of an event of a conversation, once: an earlier event than the last one changes nothing
-- KEYS     log head notified unread notified_at feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope conversation source notification data
-- FAIL     not_found
-- EMITS    notification.created/1
-- INCLUDE  append users ids notifications

-- Of each conversation the last event that was looked at: its events come one after the other.
local mark = redis.call('HGET', notified_at, conversation)
if mark and not is_before(mark, source) then return { 'unchanged' } end
local gone = no_user()
if gone then return gone end

local id = notify(notification, data)
redis.call('HSET', notified_at, conversation, source)
return commit(id)
