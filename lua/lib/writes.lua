-- What projectors write, as one list `rest`. First what must be as it was: a hash's field, its value ('' for none), the value that it gets
-- ('' for the same), the keys of which that is true; as many as there are, and an empty word. Then the writes: command, key, number of
-- arguments, arguments. A key is 1 for `parked` and more for the views after it.

local function holds_lease(leases, group, worker, fence)
  local owner, current = string.match(redis.call('HGET', leases, group) or '- 0 0', '^(%S+) (%S+)')
  return owner == worker and current == fence
end

-- Carries all of it out. False, and nothing is written, where a value is another.
local function carry_out(rest, parked, views)
  local function key_at(index)
    return index == '1' and parked or views[tonumber(index) - 1]
  end
  local at = 1
  while rest[at] ~= '' do
    for key in string.gmatch(rest[at + 3], '%d+') do
      if (redis.call('HGET', key_at(key), rest[at]) or '') ~= rest[at + 1] then return false end
    end
    at = at + 4
  end
  for i = 1, at - 1, 4 do
    local keys = rest[i + 2] ~= '' and rest[i + 3] or ''
    for key in string.gmatch(keys, '%d+') do redis.call('HSET', key_at(key), rest[i], rest[i + 2]) end
  end
  at = at + 1
  while at <= #rest do
    local count = tonumber(rest[at + 2])
    redis.call(rest[at], key_at(rest[at + 1]), unpack(rest, at + 3, at + 2 + count))
    at = at + 3 + count
  end
  return true
end
