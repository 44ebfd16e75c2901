-- A user's devices. Needs the local: devices. `:<device>` is `<event by which it was registered> <ms when it was seen last>`, and
-- `<device> <stream id>` the last event of that stream that has reached it. TypeScript reads the latter in src/chat/devices/devices.ts.

local MOST_DEVICES = 20

local function device_of(device)
  local event, seen = string.match(redis.call('HGET', devices, ':' .. device) or '', '^(%S+) (%d+)$')
  return event and { event = event, seen = tonumber(seen) } or nil
end

local function set_device(device, event, seen)
  redis.call('HSET', devices, ':' .. device, event .. ' ' .. string.format('%.0f', seen))
end

-- Which was not seen for longest, and how many there are.
local function oldest_device()
  local oldest, since, count = nil, nil, 0
  for _, field in ipairs(redis.call('HKEYS', devices)) do
    local device = string.match(field, '^:(.*)$')
    local known = device and device_of(device)
    if known then
      count = count + 1
      if not since or known.seen < since then oldest, since = device, known.seen end
    end
  end
  return oldest, count
end

local function drop_device(device)
  redis.call('HDEL', devices, ':' .. device)
  for _, field in ipairs(redis.call('HKEYS', devices)) do
    if string.sub(field, 1, #device + 1) == device .. ' ' then redis.call('HDEL', devices, field) end
  end
end
