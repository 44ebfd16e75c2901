-- Where a user's devices take pushes. Needs the local: push; for setting the timer also timers, and what clock.lua and timers.lua define.
-- Its fields: `@<hash of an address>` with `<ms> <details>`, the details one opaque word; settings, one opaque word; newest (id of the
-- event that is to be told of) and last (ms of the last push). The field '-' is none and keeps the key in being. TypeScript reads them in
-- src/chat/push/stored.ts.

local MOST_DEVICES = 20

-- Fields of the devices, the one that came first at the front.
local function devices()
  local found = {}
  local all = redis.call('HGETALL', push)
  for i = 1, #all, 2 do
    if string.sub(all[i], 1, 1) == '@' then
      local at, details = string.match(all[i + 1], '^(%d+) (%S+)$')
      found[#found + 1] = { field = all[i], at = tonumber(at), details = details }
    end
  end
  table.sort(found, function(a, b) return a.at < b.at end)
  return found
end

-- Together with what comes until then, and not at once after the last push.
local function push_soon(user)
  local GATHER_MS, PAUSE_MS = 1500, 10000
  local clock = redis_ms()
  local last = tonumber(redis.call('HGET', push, 'last') or '0')
  -- A last one that lies ahead is of a clock that was set back since.
  local earliest = last <= clock and last + PAUSE_MS or 0
  set_timer('push', user, string.format('%.0f', math.max(clock + GATHER_MS, earliest)))
end
