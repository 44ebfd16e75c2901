-- projector.seize   takes a group's lease in a partition whoever holds it: the holder is fenced off from its next write on
-- KEYS     leases
-- ARGV     group worker ttl
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  clock

local now = redis_ms()
local fence = string.match(redis.call('HGET', leases, group) or '- 0 0', '^%S+ (%S+)')
fence = string.format('%.0f', tonumber(fence) + 1)
redis.call('HSET', leases, group, worker .. ' ' .. fence .. ' ' .. string.format('%.0f', now + tonumber(ttl)))
return { 'ok', fence }
