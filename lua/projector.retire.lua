-- projector.retire   forgets a group in a partition: where it stands, who owned it, what it has parked; the feed waits for it no longer
-- KEYS     feed checkpoints leases parked
-- ARGV     group parked_names...
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom

redis.call('HDEL', checkpoints, group)
redis.call('HDEL', leases, group)
for i = 1, #parked_names, 1000 do redis.call('HDEL', parked, unpack(parked_names, i, math.min(i + 999, #parked_names))) end
if redis.call('EXISTS', feed) == 0 then return { 'ok' } end
redis.call('XGROUP', 'DESTROY', feed, group)
return { 'ok' }
