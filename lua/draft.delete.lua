-- draft.delete   takes away what a user has begun to write in a conversation
-- KEYS     log head drafts feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope conversation signals
-- FAIL     conflict
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  append signal drafts

local before = repeated()
if before then return before end
if redis.call('HDEL', drafts, conversation) == 0 then return unchanged() end
remember('0-0')
tell_devices('null')
return { 'ok' }
