-- timer.settle   a timer was fired at the time `due`: it is taken away, parked with a reason, or due again after `again` milliseconds. One
--                that was set to another time since is left as it is, and so is one that is not due any more: the clock was set back, and
--                whoever acts may have found that it is too early
-- KEYS     timers parked
-- ARGV     timer due why again
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  clock

if redis.call('ZSCORE', timers, timer) ~= due then return { 'unchanged' } end
if again ~= '' then
  redis.call('ZADD', timers, redis_ms() + tonumber(again), timer)
  return { 'ok' }
end
if why == '' and tonumber(due) > redis_ms() then return { 'unchanged' } end
redis.call('ZREM', timers, timer)
if why ~= '' then redis.call('HSET', parked, 'timer ' .. timer, why) end
return { 'ok' }
