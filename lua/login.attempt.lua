-- login.attempt   counts one attempt to log in to an account from an address; refused ones do not count
-- KEYS     attempts
-- ARGV     limit
-- FAIL     -
-- EMITS    -

local MINUTE = 60000
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- The last `limit` attempts are kept: the oldest of them must be a minute ago. After a clock that jumped back nobody waits longer.
local oldest = redis.call('LINDEX', attempts, -tonumber(limit))
local wait = oldest and math.min(tonumber(oldest) + MINUTE - now, MINUTE) or 0
if wait > 0 then return { 'limited', math.ceil(wait / 1000) } end
redis.call('RPUSH', attempts, string.format('%.0f', now))
redis.call('LTRIM', attempts, -tonumber(limit), -1)
redis.call('PEXPIRE', attempts, MINUTE)
return { 'ok' }
