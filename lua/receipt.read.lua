-- receipt.read   a member has read up to a message; what others see of it only moves forward
-- KEYS     log head members messages feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor message_id event
-- FAIL     not_found conflict
-- EMITS    receipt.read/1
-- INCLUDE  append members messages marks

local before = repeated()
if before then return before end
local member = member_of(actor)
local posted, newest, deleted = read_head('messages', 'newest', 'deleted')
if not member or deleted then return GONE end
local message, answer = message_to_mark(message_id, event, newest)
if not message then return answer end

if message.number > member.read then
  local was_delivered = member.delivered
  set_read(member, message.number, message.event, message.seq)
  member.read_at = now_text
  if was_delivered < message.seq then member.delivered_at = member.read_at end
  if not are_many() then
    local id = append('receipt.read', 1, mark_json(message))
    set_member(actor, member)
    return commit(id)
  end
elseif member.own_read and message.number > member.own_read then
  -- Read again after it was marked unread: others were told long ago.
  member.own_read, member.own_up_to = message.number, message.event
  if message.number == member.read then member.own_read, member.own_up_to = nil, '-' end
else
  return unchanged()
end
set_member(actor, member)
return settled(unread_of(member, posted))
