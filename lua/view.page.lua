-- view.page   documents of a collection with an order above (up) or below (down) `from`, nearest first; a limit of -1 is all
-- KEYS     head log views...
-- ARGV     direction from limit missing
-- FAIL     -
-- EMITS    -
-- FLAGS    no-writes
-- INCLUDE  view

local command, to = 'ZRANGEBYSCORE', '+inf'
if direction == 'down' then command, to = 'ZREVRANGEBYSCORE', '-inf' end
return answer(redis.call(command, docs, from, to, 'WITHSCORES', 'LIMIT', 0, limit))
