-- message.unpin   takes the mark off a message; one that is not marked changes nothing
-- KEYS     log head members messages feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor message_id
-- FAIL     not_found forbidden conflict
-- EMITS    message.unpinned/1
-- FLAGS    allow-oom
-- INCLUDE  append members messages pins

local before = repeated()
if before then return before end
local member = member_of(actor)
local policy, pins, deleted = read_head('policy', 'pins', 'deleted')
if not member or deleted then return GONE end
if policy_of(policy).pin == 'admins' and not is_admin(member) then return { 'fail', 'forbidden', 'Only admins may unpin here' } end
if not message_of(message_id) then return NO_MESSAGE end
if not is_pinned(pins, message_id) then return unchanged() end

local id = append('message.unpinned', 1, '{"message_id":"' .. message_id .. '"}')
return commit(id, 'pins', without_pin(pins, message_id))
