-- login.claim   a name to log in with goes to the first user who asks; `instead` names a holder who never came to be
-- KEYS     self
-- ARGV     user instead
-- FAIL     -
-- EMITS    -
-- INCLUDE  clock

local now = redis_ms()
local holder, since = unpack(redis.call('HMGET', self, 'user', 'since'))
if holder == user then return { 'ok', since } end
if holder and holder ~= instead then return { 'taken', holder, string.format('%.0f', now - tonumber(since)) } end

since = string.format('%.0f', now)
redis.call('HSET', self, 'user', user, 'since', since)
return { 'ok', since }
