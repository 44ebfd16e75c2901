-- message.edit   who wrote a message gives it another text, within a window of seconds; data '' is the text that it has
-- KEYS     log head members messages feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor message_id window rules broken data
-- FAIL     not_found forbidden conflict edit_window_closed content_rejected
-- EMITS    message.edited/1
-- INCLUDE  append members messages rules

local before = repeated()
if before then return before end
local member = member_of(actor)
local archived, ruled, deleted = read_head('archived', 'rules', 'deleted')
if not member or deleted then return GONE end
if archived == '1' then return ARCHIVED end
local message = message_of(message_id)
if not message or message.is_deleted then return NO_MESSAGE end
if message.sender ~= actor then return { 'fail', 'forbidden', 'Only who wrote a message may edit it' } end
if redis.call('HEXISTS', messages, message_id .. ':poll') == 1 then return { 'fail', 'forbidden', 'A poll cannot be edited' } end
if is_older(message, window) then return { 'fail', 'edit_window_closed' } end
if data == '' then return unchanged() end
local refused = refused_text(ruled, rules, broken, member.role)
if refused then return refused end

message.revision = message.revision + 1
local revision = string.format('%.0f', message.revision)
local id = append('message.edited', 1, with_field(data, 'revision', revision))
set_message(message_id, message)
redis.call('HSET', messages, message_id .. ':' .. revision, id)
return commit(id)
