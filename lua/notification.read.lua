-- notification.read   the user has seen notifications: all, all up to one, or some
-- KEYS     log head notified unread feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope up_to ids...
-- FAIL     not_found conflict
-- EMITS    notification.read/1
-- INCLUDE  append

local before = repeated()
if before then return before end

-- Which of those asked for are not read yet.
local seen = {}
if #ids > 0 then
  for _, id in ipairs(ids) do
    if not redis.call('ZSCORE', notified, id) then return { 'fail', 'not_found', 'There is no such notification' } end
    if redis.call('ZSCORE', unread, id) then seen[#seen + 1] = id end
  end
else
  local last = up_to ~= '' and redis.call('ZSCORE', notified, up_to) or redis.call('ZREVRANGE', notified, 0, 0, 'WITHSCORES')[2]
  if not last then return { 'fail', 'not_found', 'There is no such notification' } end
  seen = redis.call('ZRANGEBYSCORE', unread, '(0', last)
  if up_to == '' then up_to = redis.call('ZREVRANGE', notified, 0, 0)[1] end
end
if #seen == 0 then return unchanged() end

read_head()
local data = #ids > 0 and '{"ids":["' .. table.concat(seen, '","') .. '"]}' or '{"up_to":"' .. up_to .. '"}'
local id = append('notification.read', 1, data)
for first = 1, #seen, 500 do redis.call('ZREM', unread, unpack(seen, first, math.min(first + 499, #seen))) end
return commit(id)
