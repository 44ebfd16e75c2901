-- push.subscribe   a device of the user takes pushes at an address; of twenty the one that came first gives way
-- KEYS     log head push feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope device details
-- FAIL     not_found conflict
-- EMITS    -
-- INCLUDE  append users push

local before = repeated()
if before then return before end
local gone = no_user()
if gone then return gone end
local others = devices()
local is_new = redis.call('HEXISTS', push, '@' .. device) == 0
if is_new and #others >= MOST_DEVICES then redis.call('HDEL', push, others[1].field) end
redis.call('HSET', push, '@' .. device, string.format('%.0f ', now) .. details)
remember('0-0')
return { 'ok', '', string.format('%.0f', now) }
