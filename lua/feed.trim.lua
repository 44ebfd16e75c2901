-- feed.trim   cuts off what every group has finished with and is older than `keep` milliseconds, a slice at a time. A consumer outside of
--             the server is waited for no longer than `patience` milliseconds: it goes on from the logs
-- KEYS     feed checkpoints
-- ARGV     keep patience slice
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  clock ids

-- Our groups count by their checkpoint: a failover may roll XINFO back. Groups that others made count by what they were given and
-- have acknowledged.
local now = redis_ms()
local done = string.format('%.0f-0', now - tonumber(keep))
local patient = string.format('%.0f-0', now - tonumber(patience))
local ours = {}
local pairs_of = redis.call('HGETALL', checkpoints)
for i = 1, #pairs_of, 2 do
  if pairs_of[i] ~= '-' then
    ours[pairs_of[i]] = true
    local is_late = string.find(pairs_of[i], '^consumer:') and is_before(pairs_of[i + 1], patient)
    if is_before(pairs_of[i + 1], done) and not is_late then done = pairs_of[i + 1] end
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
