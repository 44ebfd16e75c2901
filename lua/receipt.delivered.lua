-- receipt.delivered   a message, and all before it, has reached a member; the mark only moves forward
-- KEYS     log head members messages feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor message_id event
-- FAIL     not_found conflict
-- EMITS    receipt.delivered/1
-- INCLUDE  append members messages marks

local before = repeated()
if before then return before end
local member = member_of(actor)
local newest, deleted = read_head('newest', 'deleted')
if not member or deleted then return GONE end
local message, answer = message_to_mark(message_id, event, newest)
if not message then return answer end
if message.seq <= member.delivered then return unchanged() end

member.delivered, member.delivered_at = message.seq, now_text
if are_many() then
  set_member(actor, member)
  return settled()
end
local id = append('receipt.delivered', 1, mark_json(message))
set_member(actor, member)
return commit(id)
