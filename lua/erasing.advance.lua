-- erasing.advance   how far the erasing of a user's texts has come: the timer that fired gives way to the next one, if there is one
-- KEYS     timers
-- ARGV     done next delay
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  clock timers

if not take_timer('erasing', done) then return { 'unchanged' } end
if next ~= '' then set_timer('erasing', next, redis_ms() + tonumber(delay)) end
return { 'ok' }
