-- message.pin   marks a message for everyone in the conversation; one that is marked already changes nothing
-- KEYS     log head members messages feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor message_id
-- FAIL     not_found forbidden conflict
-- EMITS    message.pinned/1
-- INCLUDE  append members messages pins

local before = repeated()
if before then return before end
local member = member_of(actor)
local policy, pins, archived, deleted = read_head('policy', 'pins', 'archived', 'deleted')
if not member or deleted then return GONE end
if archived == '1' then return ARCHIVED end
if policy_of(policy).pin == 'admins' and not is_admin(member) then return { 'fail', 'forbidden', 'Only admins may pin here' } end
local message = message_of(message_id)
if not message or message.is_deleted then return NO_MESSAGE end
if is_pinned(pins, message_id) then return unchanged() end
if not has_room(pins) then return { 'fail', 'conflict', 'A conversation has at most 50 pinned messages' } end

local id = append('message.pinned', 1, '{"message_id":"' .. message_id .. '"}')
return commit(id, 'pins', with_pin(pins, message_id))
