-- draft.save   keeps what a user has begun to write in a conversation, in the place of what was there
-- KEYS     log head drafts feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope conversation draft signals
-- FAIL     not_found conflict
-- EMITS    -
-- INCLUDE  append users signal drafts

local before = repeated()
if before then return before end
local gone = no_user()
if gone then return gone end

local earlier = redis.call('HGET', drafts, conversation)
if earlier and draft_text(earlier) == draft then return unchanged() end
if not earlier then make_room() end
redis.call('HSET', drafts, conversation, string.format('%.0f ', now) .. draft)
remember('0-0')
tell_devices(with_time(draft, now))
return { 'ok', '', string.format('%.0f', now) }
