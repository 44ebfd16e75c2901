-- receipt.mark_unread   a member's own unread begins at a message again; what others see of the member's reading stays
-- KEYS     log head members messages feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor message_id
-- FAIL     not_found conflict
-- EMITS    -
-- INCLUDE  append members messages marks

local before = repeated()
if before then return before end
local member = member_of(actor)
local posted, deleted = read_head('messages', 'deleted')
if not member or deleted then return GONE end
local message = message_of(message_id)
if not message then return NO_MESSAGE end
if message.number > (member.own_read or member.read) then return unchanged() end

member.own_read = message.number - 1
local earlier = redis.call('XREVRANGE', log, '(' .. message.event, '-', 'COUNT', 1)[1]
-- The event before it may have left Redis: then the place right before stands for it.
local ms, seq = id_parts(message.event)
member.own_up_to = earlier and earlier[1] or string.format('%.0f-%.0f', ms, seq - 1)
set_member(actor, member)
return settled(unread_of(member, posted))
