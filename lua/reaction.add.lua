-- reaction.add   a member reacts to a message with an emoji, each with each emoji once
-- KEYS     log head members messages reactions feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor message_id emoji
-- FAIL     not_found forbidden conflict
-- EMITS    reaction.added/1
-- INCLUDE  append members messages reactions

local before = repeated()
if before then return before end
local member = member_of(actor)
local archived, deleted = read_head('archived', 'deleted')
if not member or deleted then return GONE end
if archived == '1' then return ARCHIVED end
local message = message_of(message_id)
if not message or message.is_deleted then return NO_MESSAGE end
if redis.call('HEXISTS', reactions, own_field()) == 1 then return unchanged() end
if count_at(emoji_field()) == 0 and count_at(message_id) >= MOST_EMOJI then
  return { 'fail', 'conflict', 'This message has ' .. MOST_EMOJI .. ' different reactions already' }
end

local id = append('reaction.added', 1, reaction_json(message))
redis.call('HSET', reactions, own_field(), '1')
if redis.call('HINCRBY', reactions, emoji_field(), 1) == 1 then redis.call('HINCRBY', reactions, message_id, 1) end
return commit(id)
