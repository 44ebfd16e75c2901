-- projector.apply   a batch's writes, its checkpoint and its acknowledgement, or nothing: an old fence or a batch that does not
--                   begin right after the checkpoint is refused
-- KEYS     feed checkpoints leases parked views...
-- ARGV     group worker fence after up_to rest...
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom

-- rest: the number of feed ids, the ids, then writes as: command, index into KEYS after `leases`, number of arguments, arguments
local owner, current = string.match(redis.call('HGET', leases, group) or '- 0 0', '^(%S+) (%S+)')
if owner ~= worker or current ~= fence then return { 'fenced' } end
if redis.call('HGET', checkpoints, group) ~= after then return { 'elsewhere' } end

local at = tonumber(rest[1]) + 2
while at <= #rest do
  local command, index, count = rest[at], tonumber(rest[at + 1]), tonumber(rest[at + 2])
  redis.call(command, index == 1 and parked or views[index - 1], unpack(rest, at + 3, at + 2 + count))
  at = at + 3 + count
end
redis.call('HSET', checkpoints, group, up_to)
for i = 2, tonumber(rest[1]) + 1, 1000 do
  redis.call('XACK', feed, group, unpack(rest, i, math.min(i + 999, tonumber(rest[1]) + 1)))
end
return { 'ok' }
