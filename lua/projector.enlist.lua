-- projector.enlist   a worker of a group says that it lives; answers how many of the group do and the worker's rank among them
-- KEYS     workers
-- ARGV     group worker ttl
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  clock

local now = redis_ms()
redis.call('ZREMRANGEBYSCORE', workers, '-inf', now)
-- Who enlisted by a clock that has been set back since would count for as long as it was ahead; the living enlist again.
redis.call('ZREMRANGEBYSCORE', workers, now + 60000, '+inf')
local me = group .. ' ' .. worker
if tonumber(ttl) == 0 then redis.call('ZREM', workers, me) else redis.call('ZADD', workers, now + tonumber(ttl), me) end

local all = redis.call('ZRANGE', workers, 0, -1)
table.sort(all)
local count, rank = 0, 0
for _, name in ipairs(all) do
  if name == me then rank = count end
  if string.sub(name, 1, #group + 1) == group .. ' ' then count = count + 1 end
end
return { 'ok', count, rank }
