-- inbox.update   a user's own list of conversations follows what happened at a seq of the conversation; an older seq changes nothing
-- KEYS     log head conversations feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope conversation seq state
-- FAIL     -
-- EMITS    conversation.joined/1 conversation.left/1
-- INCLUDE  append

local known = redis.call('HGET', conversations, conversation)
local known_seq, known_state = string.match(known or '0 left', '^(%S+) (%S+)$')
if tonumber(seq) <= tonumber(known_seq) then return { 'unchanged' } end

read_head()
if state == known_state then
  redis.call('HSET', conversations, conversation, seq .. ' ' .. state)
  return { 'unchanged' }
end
local id = append('conversation.' .. state, 1, '{"conversation_id":"' .. conversation .. '"}')
redis.call('HSET', conversations, conversation, seq .. ' ' .. state)
return commit(id)
