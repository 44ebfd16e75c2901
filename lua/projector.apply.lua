-- projector.apply   a batch's writes and its checkpoint, or nothing: an old fence, a batch that does not begin right after the checkpoint,
--                   and writes to a view that is not what they continue are refused
-- KEYS     checkpoints leases parked views...
-- ARGV     group worker fence after up_to rest...
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom

-- rest: a number and as many of: key, field, the value that it must have ('' for none); then the writes as: command, key, number of
-- arguments, arguments. A key is 1 for `parked` and more for the views after it.
local owner, current = string.match(redis.call('HGET', leases, group) or '- 0 0', '^(%S+) (%S+)')
if owner ~= worker or current ~= fence then return { 'fenced' } end
if redis.call('HGET', checkpoints, group) ~= after then return { 'elsewhere' } end

local function key_at(index)
  return index == '1' and parked or views[tonumber(index) - 1]
end

local at = 2
for _ = 1, tonumber(rest[1]) do
  if (redis.call('HGET', key_at(rest[at]), rest[at + 1]) or '') ~= rest[at + 2] then return { 'elsewhere' } end
  at = at + 3
end
while at <= #rest do
  local count = tonumber(rest[at + 2])
  redis.call(rest[at], key_at(rest[at + 1]), unpack(rest, at + 3, at + 2 + count))
  at = at + 3 + count
end
if up_to ~= after then redis.call('HSET', checkpoints, group, up_to) end
return { 'ok' }
