-- receipt.read   a member has read up to a message; the mark only moves forward
-- KEYS     log head members messages feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor message_id
-- FAIL     not_found conflict
-- EMITS    receipt.read/1
-- INCLUDE  append members messages

local before = repeated()
if before then return before end
local member = member_of(actor)
local deleted = read_head('deleted')
if not member or deleted then return GONE end
local message = message_of(message_id)
if not message then return { 'fail', 'not_found', 'There is no such message' } end
if message.number <= member.read then return unchanged() end

member.read, member.up_to = message.number, message.event
local id = append('receipt.read', 1, '{"up_to":"' .. message.event .. '","message_id":"' .. message_id .. '"}')
set_member(actor, member)
return commit(id)
