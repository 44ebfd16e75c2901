-- push.enqueue   something is to be told to the user's devices: soon, together with what comes until then, and not at once after the last push
-- KEYS     log push timers
-- ARGV     event
-- FAIL     -
-- EMITS    -
-- INCLUDE  clock timers push

local GATHER_MS = 1500
local PAUSE_MS = 10000
if #devices() == 0 then return { 'unchanged' } end
local user = string.match(log, ':([^:]+):events$')
redis.call('HSET', push, 'newest', event)
if redis.call('ZSCORE', timers, 'push ' .. user) then return { 'ok' } end
local clock = redis_ms()
local last = tonumber(redis.call('HGET', push, 'last') or '0')
-- A last one that lies ahead is of a clock that was set back since.
local earliest = last <= clock and last + PAUSE_MS or 0
set_timer('push', user, string.format('%.0f', math.max(clock + GATHER_MS, earliest)))
return { 'ok' }
