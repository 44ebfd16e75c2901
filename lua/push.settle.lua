-- push.settle   an event was pushed; what came since is pushed next
-- KEYS     log push timers
-- ARGV     event
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  clock timers push

local user = string.match(log, ':([^:]+):events$')
local newest = redis.call('HGET', push, 'newest')
if newest == event then
  redis.call('HDEL', push, 'newest')
  clear_timer('push', user)
elseif newest then
  push_soon(user)
end
return { 'ok' }
