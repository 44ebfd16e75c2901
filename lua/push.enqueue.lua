-- push.enqueue   something is to be told to the user's devices: soon, together with what comes until then, and not at once after the last push
-- KEYS     log push timers
-- ARGV     event
-- FAIL     -
-- EMITS    -
-- INCLUDE  clock timers push

if #devices() == 0 then return { 'unchanged' } end
local user = string.match(log, ':([^:]+):events$')
redis.call('HSET', push, 'newest', event)
local due = tonumber(redis.call('ZSCORE', timers, 'push ' .. user) or '0')
-- Whoever is pushing looks for more when they are through. What seems to lie far ahead was set before the clock was set back.
if due == 0 or due > redis_ms() + 60000 then push_soon(user) end
return { 'ok' }
