-- projector.enlist   a worker says that it lives; answers how many do and the worker's place among them
-- KEYS     workers
-- ARGV     worker ttl
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', workers, '-inf', now)
if tonumber(ttl) == 0 then
  redis.call('ZREM', workers, worker)
  return { 'ok', redis.call('ZCARD', workers), 0 }
end
redis.call('ZADD', workers, now + tonumber(ttl), worker)
local names = redis.call('ZRANGE', workers, 0, -1)
table.sort(names)
local place = 0
for i, name in ipairs(names) do
  if name == worker then place = i - 1 end
end
return { 'ok', #names, place }
