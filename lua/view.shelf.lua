-- view.shelf   documents on a shelf of a collection with a place above (up) or below (down) `from`, nearest first
-- KEYS     head log views...
-- ARGV     direction shelf from limit missing
-- FAIL     -
-- EMITS    -
-- FLAGS    no-writes
-- INCLUDE  view

local place, marks = shelf .. ' ', nil
if direction == 'up' then
  marks = redis.call('ZRANGEBYLEX', views[3], '(' .. place .. from, '(' .. place .. '~', 'LIMIT', 0, limit)
else
  marks = redis.call('ZREVRANGEBYLEX', views[3], '(' .. place .. from, '(' .. place, 'LIMIT', 0, limit)
end
local rows = {}
for _, mark in ipairs(marks) do
  local order = string.match(mark, ' 0*(%d+)$')
  local doc = redis.call('ZRANGEBYSCORE', docs, order, order)[1]
  if doc then
    rows[#rows + 1] = doc
    rows[#rows + 1] = order
  end
end
return answer(rows)
