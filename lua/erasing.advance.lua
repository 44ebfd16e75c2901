-- erasing.advance   how far the erasing of a user's texts has come: the timer that fired gives way to the next one, if there is one
-- KEYS     timers
-- ARGV     done next delay
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  timers

if not take_timer('erasing', done) then return { 'unchanged' } end
local time = redis.call('TIME')
if next ~= '' then set_timer('erasing', next, time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(delay)) end
return { 'ok' }
