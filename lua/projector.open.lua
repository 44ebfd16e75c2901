-- projector.open   makes the group where it is missing, at its checkpoint; one that is new everywhere begins with all that ever happened,
--                  or with what happens from `now` on. Consumers of other workers are forgotten, as every start of a worker brings a
--                  new name
-- KEYS     feed feed_head checkpoints
-- ARGV     group worker since
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom

local head = redis.call('HGET', feed_head, 'id') or '0-0'
redis.call('HSETNX', checkpoints, group, since == 'now' and head or '0-0')
local checkpoint = redis.call('HGET', checkpoints, group)
local made = redis.pcall('XGROUP', 'CREATE', feed, group, checkpoint, 'MKSTREAM')
if type(made) == 'table' and made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then return made end
for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', feed, group)) do
  local consumer = {}
  for i = 1, #info, 2 do consumer[info[i]] = info[i + 1] end
  -- What an older program's worker holds lies behind the checkpoint, and will be read from there.
  if consumer.name ~= worker then redis.call('XGROUP', 'DELCONSUMER', feed, group, consumer.name) end
end
return { 'ok', checkpoint, head }
