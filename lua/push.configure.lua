-- push.configure   how the user wants to be pushed at: one opaque word
-- KEYS     log head push feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope settings
-- FAIL     not_found conflict
-- EMITS    -
-- INCLUDE  append users

local before = repeated()
if before then return before end
local gone = no_user()
if gone then return gone end
if redis.call('HGET', push, 'settings') == settings then return unchanged() end
redis.call('HSET', push, 'settings', settings)
remember('0-0')
return { 'ok' }
