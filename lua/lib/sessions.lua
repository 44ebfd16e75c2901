-- The sessions of a user. Needs the local: sessions, and what append.lua defines. A session's value is
-- `<generation> <started> <last used> <rotated> <details>`: the times in ms, `details` opaque. The field '-' is no session: it keeps
-- the key in being, since a script may only name keys that exist.

local function parse_session(value)
  local generation, started, used, rotated, details = string.match(value, '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
  return { generation = tonumber(generation), started = tonumber(started), used = tonumber(used), rotated = tonumber(rotated),
    details = details }
end

local function session_of(id)
  local value = redis.call('HGET', sessions, id)
  return value and parse_session(value) or nil
end

local function set_session(id, session)
  redis.call('HSET', sessions, id, string.format('%.0f %.0f %.0f %.0f %s', session.generation, session.started, session.used,
    session.rotated, session.details))
end

local function new_session(id, details)
  set_session(id, { generation = 1, started = now, used = now, rotated = 0, details = details })
end

-- Every session as { id, session }, the longest unused first.
local function all_sessions()
  local found = {}
  local fields = redis.call('HGETALL', sessions)
  for i = 1, #fields, 2 do
    if fields[i] ~= '-' then found[#found + 1] = { fields[i], parse_session(fields[i + 1]) } end
  end
  table.sort(found, function(a, b)
    if a[2].used ~= b[2].used then return a[2].used < b[2].used end
    return a[1] < b[1]
  end)
  return found
end

-- Ends one session and returns the event's id. The head must have been read, and be committed after.
local function end_session(id, reason)
  local event_id = append('session.ended', 1, '{"session_id":"' .. id .. '","reason":"' .. reason .. '"}')
  redis.call('HDEL', sessions, id)
  return event_id
end

-- Ends all sessions but `kept`; the id of the last event, or nil when there was none to end.
local function end_sessions(reason, kept)
  local event_id
  for _, found in ipairs(all_sessions()) do
    if found[1] ~= kept then event_id = end_session(found[1], reason) end
  end
  return event_id
end
