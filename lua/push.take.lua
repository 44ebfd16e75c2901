-- push.take   what is to be pushed now: when, by which settings, of which event, how much is not read, and to which devices. Nothing for
--             who has read it all or is looking: a socket is open and the user is not away. Who asked has `lease_ms` to push; then it is
--             another's turn
-- KEYS     log push timers presence unread
-- ARGV     lease_ms
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  clock timers push

local user = string.match(log, ':([^:]+):events$')
local newest, settings = unpack(redis.call('HMGET', push, 'newest', 'settings'))
local unread_count = redis.call('ZCARD', unread) - 1
local is_open = false
for _, field in ipairs(redis.call('HKEYS', presence)) do is_open = is_open or string.sub(field, 1, 1) == '@' end
if not newest or unread_count == 0 or is_open and redis.call('HGET', presence, 'status') ~= 'away' then
  redis.call('HDEL', push, 'newest')
  clear_timer('push', user)
  return { 'unchanged' }
end

local now = redis_ms()
local clock = string.format('%.0f', now)
redis.call('HSET', push, 'last', clock)
set_timer('push', user, string.format('%.0f', now + lease_ms))
local reply = { 'ok', newest, clock, settings or '-', tostring(unread_count) }
for _, device in ipairs(devices()) do
  reply[#reply + 1] = string.sub(device.field, 2)
  reply[#reply + 1] = device.details
end
return reply
