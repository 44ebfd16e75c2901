-- timer.settle   a timer was fired at the time `due`: it is taken away, parked with a reason, or due again after `again` milliseconds. One
--                that was set to another time since is left as it is
-- KEYS     timers parked
-- ARGV     timer due why again
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom

if redis.call('ZSCORE', timers, timer) ~= due then return { 'unchanged' } end
if again ~= '' then
  local time = redis.call('TIME')
  redis.call('ZADD', timers, time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(again), timer)
  return { 'ok' }
end
redis.call('ZREM', timers, timer)
if why ~= '' then redis.call('HSET', parked, 'timer ' .. timer, why) end
return { 'ok' }
