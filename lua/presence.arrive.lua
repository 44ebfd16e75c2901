-- presence.arrive   a socket of a user is open at a node; said twice it changes nothing
-- KEYS     log head presence present online timers feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor connection node lease lease_ms
-- FAIL     conflict
-- EMITS    presence.changed/1
-- INCLUDE  append timers presence

-- `lease` is the name under which the node's word runs out by itself: whatever it had open here is then gone.
local deleted = read_head('deleted')
if deleted then return { 'unchanged' } end
redis.call('HSET', presence, '@' .. connection, node)
redis.call('ZADD', present, 0, node .. ' ' .. user .. ' ' .. connection)
set_timer('presence_lease', lease, clock + lease_ms)
return settled(presence_state())
