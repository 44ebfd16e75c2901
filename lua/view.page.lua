-- view.page   documents of a collection with an order above (up) or below (down) `from`, nearest first; a limit of -1 is all
-- KEYS     head log views...
-- ARGV     direction from limit missing
-- FAIL     -
-- EMITS    -
-- FLAGS    no-writes
-- INCLUDE  view

-- At the last place lies what keeps the key in being.
local command, to = 'ZRANGEBYSCORE', '(9007199254740991'
if direction == 'down' then command, to = 'ZREVRANGEBYSCORE', '-inf' end
return answer(redis.call(command, docs, from, to, 'WITHSCORES', 'LIMIT', 0, limit))
