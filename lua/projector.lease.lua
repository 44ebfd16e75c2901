-- projector.lease   one worker at a time owns a group's work in a partition; a change of owner raises the fencing token. Many partitions
--                   at once: for each its token and where its feed ends, '' and '' while another worker holds it
-- KEYS     leases_and_heads...
-- ARGV     group worker ttl
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  clock

local now = redis_ms()
ttl = tonumber(ttl)
-- A lease that ends later than any lease lasts was given by a clock that has been set back since, and holds nobody up.
local LONGEST = 60000

local function take(leases, feed_head)
  local lease = redis.pcall('HGET', leases, group)
  if lease and lease.err then return nil, nil, lease end
  local owner, fence, ends = string.match(lease or '- 0 0', '^(%S+) (%S+) (%S+)$')
  if owner ~= worker and tonumber(ends) > now and tonumber(ends) <= now + LONGEST then return '', '' end
  if owner ~= worker then fence = string.format('%.0f', tonumber(fence) + 1) end
  -- Each renewal is a line of Redis' file: there is none while more than half of the time is left.
  local left = ends - now
  if owner ~= worker or left <= ttl / 2 or left > ttl then
    redis.call('HSET', leases, group, worker .. ' ' .. fence .. ' ' .. string.format('%.0f', now + ttl))
  end
  return fence, redis.call('HGET', feed_head, 'id') or '0-0'
end

local answer, trouble = { 'ok' }, nil
for i = 1, #leases_and_heads, 2 do
  local fence, head, failed = take(leases_and_heads[i], leases_and_heads[i + 1])
  -- Told in the end: a key of a wrong kind is one partition's trouble, and the others keep their leases.
  trouble = trouble or failed
  answer[i + 1], answer[i + 2] = fence, head
end
return trouble or answer
