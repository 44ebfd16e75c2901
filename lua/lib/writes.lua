-- What projectors write, as one list `rest`: a number and as many of: key, field, the value that it must have ('' for none); then the writes
-- as: command, key, number of arguments, arguments. A key is 1 for `parked` and more for the views after it.

local function holds_lease(leases, group, worker, fence)
  local owner, current = string.match(redis.call('HGET', leases, group) or '- 0 0', '^(%S+) (%S+)')
  return owner == worker and current == fence
end

-- Carries all of it out. False, and nothing is written, where a value is another.
local function carry_out(rest, parked, views)
  local function key_at(index)
    return index == '1' and parked or views[tonumber(index) - 1]
  end
  local at = 2
  for _ = 1, tonumber(rest[1]) do
    if (redis.call('HGET', key_at(rest[at]), rest[at + 1]) or '') ~= rest[at + 2] then return false end
    at = at + 3
  end
  while at <= #rest do
    local count = tonumber(rest[at + 2])
    redis.call(rest[at], key_at(rest[at + 1]), unpack(rest, at + 3, at + 2 + count))
    at = at + 3 + count
  end
  return true
end
