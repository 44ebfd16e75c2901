-- Drafts of a user. Needs the locals: log drafts conversation, and what append.lua and signal.lua define. A draft's value is `<ms> <json>`, of which
-- the JSON is not looked into; the field '-' is none and keeps the key in being. They stand in no log: nobody has said them yet.
-- TypeScript reads them in src/chat/drafts/commands.ts.

local MOST_DRAFTS = 200

local function draft_text(value)
  return string.match(value, '^%d+ (.*)$')
end

-- Who has the most gives the one that was not touched for longest, so that nobody must clear away what they forgot.
local function make_room()
  if redis.call('HLEN', drafts) <= MOST_DRAFTS then return end
  local oldest, since
  local fields = redis.call('HGETALL', drafts)
  for i = 1, #fields, 2 do
    local at = tonumber(string.match(fields[i + 1], '^%d+'))
    if at and (not since or at < since) then oldest, since = fields[i], at end
  end
  redis.call('HDEL', drafts, oldest)
end

local function with_time(draft, ms)
  return string.sub(draft, 1, -2) .. ',"updated_at":"' .. rfc3339(ms) .. '"}'
end

-- The user's own devices: '-' is nobody else.
local function tell_devices(draft)
  local user = string.match(log, ':([^:]+):events$')
  signal('-', '{"type":"draft.changed","user_id":"' .. user .. '","actor_id":"' .. user .. '","data":{"conversation_id":"' .. conversation
    .. '","draft":' .. draft .. '}}')
end
