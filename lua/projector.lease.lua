-- projector.lease   one worker at a time owns a group's work in a partition; a change of owner raises the fencing token. Also says
--                   where the feed ends
-- KEYS     leases feed_head
-- ARGV     group worker ttl
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local owner, fence, ends = string.match(redis.call('HGET', leases, group) or '- 0 0', '^(%S+) (%S+) (%S+)$')
-- A lease that ends later than any lease lasts was given by a clock that has been set back since, and holds nobody up.
local LONGEST = 60000
if owner ~= worker and tonumber(ends) > now and tonumber(ends) <= now + LONGEST then return { 'held', owner } end
if owner ~= worker then fence = string.format('%.0f', tonumber(fence) + 1) end
redis.call('HSET', leases, group, worker .. ' ' .. fence .. ' ' .. string.format('%.0f', now + tonumber(ttl)))
return { 'ok', fence, redis.call('HGET', feed_head, 'id') or '0-0' }
