-- presence.depart   a socket of a user is gone, since `since` (ms; '' for now); after the last one others are told when the grace is over
-- KEYS     log head presence present online timers feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor connection node since
-- FAIL     conflict
-- EMITS    presence.changed/1
-- FLAGS    allow-oom
-- INCLUDE  append timers presence

local deleted = read_head('deleted')
local was_open = redis.call('HDEL', presence, '@' .. connection) == 1
redis.call('ZREM', present, node .. ' ' .. user .. ' ' .. connection)
if deleted or not was_open then return { 'unchanged' } end

local state = presence_state()
if state.open == 0 then state.left = tonumber(since) or clock end
return settled(state)
