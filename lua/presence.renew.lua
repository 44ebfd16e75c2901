-- presence.renew   a node lives, and so do its sockets of this partition; says how many of them are known here
-- KEYS     present timers
-- ARGV     node lease lease_ms
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  clock timers

set_timer('presence_lease', lease, redis_ms() + lease_ms)
return { 'ok', redis.call('ZLEXCOUNT', present, '[' .. node .. ' ', '(' .. node .. '!') }
