-- archive.facts   the facts of messages leave Redis, in the step that names the file where they are; refused where one is not what was written
-- KEYS     facts_and_files...
-- ARGV     drawer last digest highest ids...
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom

-- The set of files is made by the first of them: while a slot moves that waits, and can wait.
local messages, archived_messages = facts_and_files[1], facts_and_files[2]
local newest = redis.call('ZREVRANGEBYSCORE', archived_messages, '+inf', '(0', 'WITHSCORES', 'LIMIT', 0, 1)[2] or '0'
if tonumber(newest) >= tonumber(last) then return { 'done' } end
local values = {}
for i, id in ipairs(ids) do values[i] = redis.call('HGET', messages, id) or '' end
if redis.sha1hex(table.concat(values, '\n')) ~= digest then return { 'elsewhere' } end

redis.call('ZADD', archived_messages, last, drawer)
for _, id in ipairs(ids) do redis.call('HDEL', messages, id) end
-- By this a script knows that it must ask: no message with a higher id has left.
if highest > (redis.call('HGET', messages, '-') or '') then redis.call('HSET', messages, '-', highest) end
return { 'ok' }
