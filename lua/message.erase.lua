-- message.erase   those of the messages that the actor wrote go, whether the actor is still in or not; their places stay
-- KEYS     log head messages feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor message_ids...
-- FAIL     -
-- EMITS    message.deleted/1
-- FLAGS    allow-oom
-- INCLUDE  append messages pins

local pins, deleted = read_head('pins', 'deleted')
if not last_id or deleted then return { 'unchanged' } end

local id
local pinned = pins
for _, message_id in ipairs(message_ids) do
  local message = message_of(message_id)
  if message and message.sender == actor and not message.is_deleted then
    id = append('message.deleted', 1, '{"message_id":"' .. message_id .. '"}')
    message.is_deleted = true
    set_message(message_id, message)
    if is_pinned(pins, message_id) then pinned = without_pin(pinned, message_id) end
  end
end
if not id then return { 'unchanged' } end
if pinned ~= pins then return commit(id, 'pins', pinned) end
return commit(id)
