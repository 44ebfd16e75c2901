-- projector.apply   a batch's writes and its checkpoint, or nothing: an old fence, a batch that does not begin right after the checkpoint,
--                   and writes to a view that is not what they continue are refused
-- KEYS     checkpoints leases parked views...
-- ARGV     group worker fence after up_to rest...
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  writes

if not holds_lease(leases, group, worker, fence) then return { 'fenced' } end
if redis.call('HGET', checkpoints, group) ~= after then return { 'elsewhere' } end
if not carry_out(rest, parked, views) then return { 'elsewhere' } end
if up_to ~= after then redis.call('HSET', checkpoints, group, up_to) end
return { 'ok' }
