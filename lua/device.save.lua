-- device.save   how far a device has got in streams, as pairs of a stream's id and an event's; a mark only moves forward
-- KEYS     devices
-- ARGV     device marks...
-- FAIL     -
-- EMITS    -
-- INCLUDE  clock ids devices

local known = device_of(device)
if not known then return { 'unchanged' } end
for i = 1, #marks, 2 do
  local field = device .. ' ' .. marks[i]
  local before = redis.call('HGET', devices, field)
  if not before or is_before(before, marks[i + 1]) then redis.call('HSET', devices, field, marks[i + 1]) end
end
set_device(device, known.event, redis_ms())
return { 'ok' }
