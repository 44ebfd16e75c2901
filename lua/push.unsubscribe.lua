-- push.unsubscribe   a device takes pushes no more
-- KEYS     log head push feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope device
-- FAIL     conflict
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  append

local before = repeated()
if before then return before end
if redis.call('HDEL', push, '@' .. device) == 0 then return unchanged() end
if fingerprint ~= '-' then remember('0-0') end
return { 'ok' }
