-- push.take   what is to be pushed now, once: when, by which settings, of which event, how much is not read, and to which devices. Nothing for
--             who has read it all or is looking: a socket is open and the user is not away
-- KEYS     log push timers presence unread
-- ARGV     -
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  clock timers push

local user = string.match(log, ':([^:]+):events$')
clear_timer('push', user)
local newest, settings = unpack(redis.call('HMGET', push, 'newest', 'settings'))
if not newest then return { 'unchanged' } end
redis.call('HDEL', push, 'newest')
local unread_count = redis.call('ZCARD', unread) - 1
local is_open = false
for _, field in ipairs(redis.call('HKEYS', presence)) do is_open = is_open or string.sub(field, 1, 1) == '@' end
if unread_count == 0 or is_open and redis.call('HGET', presence, 'status') ~= 'away' then return { 'unchanged' } end

local clock = string.format('%.0f', redis_ms())
redis.call('HSET', push, 'last', clock)
local reply = { 'ok', clock, settings or '-', newest, tostring(unread_count) }
for _, device in ipairs(devices()) do
  reply[#reply + 1] = string.sub(device.field, 2)
  reply[#reply + 1] = device.details
end
return reply
