-- file.hold   somebody holds the content of a hash. Says the word of its key: `word` where nobody else holds it, so that a key which is to be
--             taken away is nobody's ever again. Looked after when the timer is due
-- KEYS     files timers
-- ARGV     sha256 holder word again_ms
-- FAIL     -
-- EMITS    -
-- INCLUDE  clock timers

-- `files` has, of each content, `<hash> holder <holder>` of all who hold it, one `<hash> key <word>`, and `<hash> doomed <word>` of each
-- key that is to be taken away.
local key = redis.call('ZRANGEBYLEX', files, '[' .. sha256 .. ' key ', '(' .. sha256 .. ' key!', 'LIMIT', 0, 1)[1]
if key then word = string.match(key, '(%S+)$') end
redis.call('ZADD', files, 0, sha256 .. ' key ' .. word, 0, sha256 .. ' holder ' .. holder)
set_timer('file', sha256 .. ' ' .. holder, redis_ms() + again_ms)
return { 'ok', word }
