-- presence.renew   a node lives, and so do its sockets of this partition; says how many of them are known here
-- KEYS     present timers
-- ARGV     node lease lease_ms
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  timers

local time = redis.call('TIME')
set_timer('presence_lease', lease, time[1] * 1000 + math.floor(time[2] / 1000) + lease_ms)
return { 'ok', redis.call('ZLEXCOUNT', present, '[' .. node .. ' ', '(' .. node .. '!') }
