-- reaction.remove   a member takes a reaction back
-- KEYS     log head members messages reactions feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor message_id emoji
-- FAIL     not_found conflict
-- EMITS    reaction.removed/1
-- FLAGS    allow-oom
-- INCLUDE  append members messages reactions

local before = repeated()
if before then return before end
local member = member_of(actor)
local deleted = read_head('deleted')
if not member or deleted then return GONE end
local message = message_of(message_id)
if not message or message.is_deleted then return NO_MESSAGE end
if redis.call('HEXISTS', reactions, own_field()) == 0 then return unchanged() end

local id = append('reaction.removed', 1, reaction_json(message))
redis.call('HDEL', reactions, own_field())
count_down(emoji_field())
if count_at(emoji_field()) == 0 then count_down(message_id) end
return commit(id)
