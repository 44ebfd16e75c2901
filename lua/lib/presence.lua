-- What others see of a user. Needs the locals: log presence online, and what append.lua and timers.lua define. Fields of `presence`: status (as
-- the user chose it), text (JSON) and ends (ms, or ''), one `@<connection>` for each open socket, left (ms at which the last of them
-- went, while the grace lasts, else ''), and what others were told last: shown, shown_text, seen (ms, or ''). `online` lists the users of
-- the partition who look online; its member '-' keeps the key in being.

local GRACE_MS = 5000
local user = string.sub(log, -33, -8)
local clock = time[1] * 1000 + math.floor(time[2] / 1000)

local function presence_state()
  local state = { status = 'online', text = 'null', ends = '', left = '', shown = 'offline', shown_text = 'null', seen = '', open = 0 }
  local all = redis.call('HGETALL', presence)
  for i = 1, #all, 2 do
    if string.sub(all[i], 1, 1) == '@' then state.open = state.open + 1 else state[all[i]] = all[i + 1] end
  end
  return state
end

-- The user is looked at again at the earliest of these times.
local function wake(...)
  local earliest = math.min(math.huge, ...)
  if earliest < math.huge then set_timer('presence', user, earliest) else clear_timer('presence', user) end
end

-- Brings what others see up to what is so, and returns the event's id where that is news to them. The head must have been read, and be
-- committed after.
local function settle(state)
  local left, ends = tonumber(state.left) or 0, tonumber(state.ends) or math.huge
  local has_ended = ends <= clock
  if has_ended then state.text, ends = 'null', math.huge end
  -- What an invisible user writes anew would say that somebody is there: it is told when they are seen again.
  local text = state.status == 'invisible' and not has_ended and state.shown_text or state.text
  local is_in_grace = state.open == 0 and left <= clock and clock < left + GRACE_MS
  wake(ends, is_in_grace and left + GRACE_MS or math.huge)

  local is_here = state.open > 0 or is_in_grace
  local shown = is_here and state.status ~= 'invisible' and state.status or 'offline'
  local is_news = shown ~= state.shown or text ~= state.shown_text
  if is_news and shown ~= 'offline' then
    state.seen = clock
  elseif shown == 'offline' and state.shown ~= 'offline' then
    state.seen = left > 0 and not is_here and left or clock
  end
  redis.call('HSET', presence, 'status', state.status, 'text', state.text, 'ends', ends < math.huge and ends or '',
    'left', is_in_grace and left or '', 'shown', shown, 'shown_text', text, 'seen', state.seen)
  if not is_news then return nil end

  if shown == 'offline' then redis.call('ZREM', online, user) else redis.call('ZADD', online, 0, user) end
  local seen = tonumber(state.seen)
  local last_seen = seen and '"' .. rfc3339(seen - seen % 60000) .. '"' or 'null'
  return append('presence.changed', 1, '{"status":"' .. shown .. '","status_text":' .. text .. ',"last_seen":' .. last_seen .. '}')
end

-- The end of each script: nothing is remembered of what a node does by itself.
local function settled(state)
  local id = settle(state)
  if id then return commit(id) end
  return unchanged()
end
