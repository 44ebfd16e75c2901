-- timer.release   timers that were parked are due again, each at the time at which it was; without any the key is made, so that it exists
-- KEYS     timers parked
-- ARGV     timers_and_dues...
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom

redis.call('ZADD', timers, '+inf', '-')
for i = 1, #timers_and_dues, 2 do
  local timer = timers_and_dues[i]
  if redis.call('HDEL', parked, 'timer ' .. timer) == 1 then redis.call('ZADD', timers, 'NX', timers_and_dues[i + 1], timer) end
end
return { 'ok' }
