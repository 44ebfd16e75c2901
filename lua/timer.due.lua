-- timer.due   what is due in many partitions, the longest due first: which of them, the timer, and since when; at most `most` of each. In
--             the place of a timer '', and of its time what is wrong, where a partition's timers cannot be read
-- KEYS     timers...
-- ARGV     most
-- FAIL     -
-- EMITS    -
-- FLAGS    no-writes
-- INCLUDE  clock

local now = redis_ms()
local found = { 'ok' }
for i, key in ipairs(timers) do
  local due = redis.pcall('ZRANGEBYSCORE', key, '-inf', now, 'WITHSCORES', 'LIMIT', 0, most)
  if due.err then due = { '', due.err } end
  for at = 1, #due, 2 do
    found[#found + 1] = i - 1
    found[#found + 1] = due[at]
    found[#found + 1] = due[at + 1]
  end
end
return found
