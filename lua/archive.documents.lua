-- archive.documents   documents of a collection leave Redis, in the step that names the file where they are; refused where one is not what was
--                     written
-- KEYS     views...
-- ARGV     drawer last digest highest keys_and_orders...
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom

local index, docs, archived = views[1], views[2], views[3]
local newest = redis.call('ZREVRANGEBYSCORE', archived, '+inf', '(0', 'WITHSCORES', 'LIMIT', 0, 1)[2] or '0'
if tonumber(newest) >= tonumber(last) then return { 'done' } end
local values = {}
for i = 2, #keys_and_orders, 2 do
  local order = keys_and_orders[i]
  values[i / 2] = redis.call('ZRANGEBYSCORE', docs, order, order)[1] or ''
end
if redis.sha1hex(table.concat(values, '\n')) ~= digest then return { 'elsewhere' } end

redis.call('ZADD', archived, last, drawer)
for i = 1, #keys_and_orders, 2 do
  redis.call('HDEL', index, keys_and_orders[i])
  redis.call('ZREMRANGEBYSCORE', docs, keys_and_orders[i + 1], keys_and_orders[i + 1])
end
-- By this a reader knows what may lie in files: no higher order, and no higher key.
local marked = redis.call('HGET', index, 'archived') or ''
local key = string.match(marked, ' (%S+)$') or ''
redis.call('HSET', index, 'archived', last .. ' ' .. (highest > key and highest or key))
return { 'ok' }
