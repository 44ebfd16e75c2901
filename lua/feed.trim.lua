-- feed.trim   cuts off what every group has finished with and is older than `keep` milliseconds, a slice at a time. A consumer outside of
--             the server is waited for no longer than `patience` milliseconds, and a group of ours no longer than `idle` after the last who
--             worked for it: either goes on from the logs
-- KEYS     feed checkpoints leases
-- ARGV     keep patience idle slice
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  clock ids

local now = redis_ms()
local function ago(ms) return string.format('%.0f-0', now - tonumber(ms)) end
local done, patient, idle_since = ago(keep), ago(patience), ago(idle)

local function is_late(group, checkpoint)
  if string.find(group, '^consumer:') then return is_before(checkpoint, patient) end
  if not is_before(checkpoint, idle_since) then return false end
  -- An old checkpoint alone says nothing where nothing happens.
  local ends = string.match(redis.call('HGET', leases, group) or '', '(%d+)$')
  return not ends or is_before(ends .. '-0', idle_since)
end

-- Our groups count by their checkpoint: a failover may roll XINFO back. Groups that others made count by what they were given and
-- have acknowledged.
local ours = {}
local pairs_of = redis.call('HGETALL', checkpoints)
for i = 1, #pairs_of, 2 do
  local group, checkpoint = pairs_of[i], pairs_of[i + 1]
  if group ~= '-' then
    ours[group] = true
    if is_before(checkpoint, done) and not is_late(group, checkpoint) then done = checkpoint end
  end
end
if not next(ours) then return { 'ok', 0 } end
if redis.call('EXISTS', feed) == 0 then return { 'ok', 0 } end
for _, info in ipairs(redis.call('XINFO', 'GROUPS', feed)) do
  local group = {}
  for i = 1, #info, 2 do group[info[i]] = info[i + 1] end
  if not ours[group.name] then
    local reached = group['last-delivered-id']
    local pending = redis.call('XPENDING', feed, group.name)
    if pending[2] and is_before(pending[2], reached) then reached = pending[2] end
    if is_before(reached, done) then done = reached end
  end
end
return { 'ok', redis.call('XTRIM', feed, 'MINID', '~', done, 'LIMIT', slice) }
