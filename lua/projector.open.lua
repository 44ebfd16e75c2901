-- projector.open   makes the group where it is missing, at its checkpoint: never at the end, and never blindly at the start
-- KEYS     feed feed_head checkpoints
-- ARGV     group
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom

redis.call('HSETNX', checkpoints, group, '0-0')
local checkpoint = redis.call('HGET', checkpoints, group)
local made = redis.pcall('XGROUP', 'CREATE', feed, group, checkpoint, 'MKSTREAM')
if type(made) == 'table' and made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then return made end
return { 'ok', checkpoint, redis.call('HGET', feed_head, 'id') or '0-0' }
