-- inbox.update   a user's own list of conversations follows what an event of the conversation did; an older event changes nothing
-- KEYS     log head conversations feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope conversation event state
-- FAIL     -
-- EMITS    conversation.joined/1 conversation.left/1
-- FLAGS    allow-oom
-- INCLUDE  append ids

-- The mark is a whole id: after a failover that lost entries, seqs come again, with later times.
local known = redis.call('HGET', conversations, conversation)
local known_event, known_state = string.match(known or '0-0 left', '^(%S+) (%S+)$')
-- An older program kept the seq alone.
if not string.find(known_event, '-', 1, true) then known_event = string.match(event, '^%d+-') .. known_event end
if not is_before(known_event, event) then return { 'unchanged' } end

read_head()
if state == known_state then
  redis.call('HSET', conversations, conversation, event .. ' ' .. state)
  return { 'unchanged' }
end
local id = append('conversation.' .. state, 1, '{"conversation_id":"' .. conversation .. '"}')
redis.call('HSET', conversations, conversation, event .. ' ' .. state)
return commit(id)
