-- message.delete   a message goes for everyone: one's own within a window of seconds, any other's by an admin; its place stays
-- KEYS     log head members messages feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor message_id window
-- FAIL     not_found forbidden conflict delete_window_closed
-- EMITS    message.deleted/1
-- FLAGS    allow-oom
-- INCLUDE  append members messages pins

local before = repeated()
if before then return before end
local member = member_of(actor)
local pins, deleted = read_head('pins', 'deleted')
if not member or deleted then return GONE end
local message = message_of(message_id)
if not message then return NO_MESSAGE end
-- In a direct conversation both are plain members: each has a say over what is their own.
if message.sender ~= actor and not is_admin(member) then
  return { 'fail', 'forbidden', 'Only who wrote a message, or an admin, may delete it' }
end
if message.is_deleted then return unchanged() end
if not is_admin(member) and is_older(message, window) then return { 'fail', 'delete_window_closed' } end

local id = append('message.deleted', 1, '{"message_id":"' .. message_id .. '"}')
message.is_deleted = true
set_message(message_id, message)
if is_pinned(pins, message_id) then return commit(id, 'pins', without_pin(pins, message_id)) end
return commit(id)
