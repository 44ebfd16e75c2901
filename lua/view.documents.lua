-- view.documents   documents of a collection by key, in the order asked for; one that is not there is left out
-- KEYS     head log views...
-- ARGV     missing wanted...
-- FAIL     -
-- EMITS    -
-- FLAGS    no-writes
-- INCLUDE  view

-- Whoever goes on to write must learn here that the documents are no sorted set, also where none of them is wanted.
redis.call('ZCARD', docs)
local rows = {}
for _, key in ipairs(wanted) do
  local order = redis.call('HGET', index, key)
  local doc = order and redis.call('ZRANGEBYSCORE', docs, order, order)[1]
  if doc then
    rows[#rows + 1] = doc
    rows[#rows + 1] = order
  end
end
return answer(rows)
