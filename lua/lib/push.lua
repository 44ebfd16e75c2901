-- Where a user's devices take pushes. Needs the local: push. Its fields: `@<hash of an address>` with `<ms> <details>`, the details one opaque
-- word; settings, one opaque word; newest (id of the event that is to be told of) and last (ms of the last push). The field '-' is none and
-- keeps the key in being. TypeScript reads them in src/chat/push/stored.ts.

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
