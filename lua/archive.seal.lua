-- archive.seal   the oldest entries of a log leave Redis, in the step that names the segment where they are; refused where they are not what
--                was sealed, bit for bit, or do not follow the newest segment
-- KEYS     log head archive
-- ARGV     place score after last digest
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom

-- Of a conversation of which nothing left yet the key `archive` does not exist: while a slot moves that waits, and can wait.
-- Whoever was ended right after this step does it once more.
local newest = redis.call('ZRANGE', archive, -1, -1)[1]
if newest == place then return { 'done' } end
local reached = newest and string.match(newest, '^%S+ (%d+-%d+)') or '0-0'
if reached ~= after then return { 'elsewhere' } end

-- The last event of a log stays: it says where the log goes on.
if redis.call('HGET', head, 'id') == last then return { 'elsewhere' } end
local parts = {}
for _, entry in ipairs(redis.call('XRANGE', log, '-', last)) do
  parts[#parts + 1] = entry[1]
  for _, value in ipairs(entry[2]) do parts[#parts + 1] = value end
end
if redis.sha1hex(table.concat(parts, '\n')) ~= digest then return { 'elsewhere' } end

local ms, seq = string.match(last, '^(%d+)-(%d+)$')
redis.call('ZADD', archive, score, place)
redis.call('XTRIM', log, 'MINID', '=', ms .. '-' .. string.format('%.0f', seq + 1))
return { 'ok' }
