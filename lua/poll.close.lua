-- poll.close   who made a poll, or an admin, closes it; one that is closed changes nothing
-- KEYS     log head members messages timers feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor message_id timer
-- FAIL     not_found forbidden conflict
-- EMITS    poll.closed/1
-- FLAGS    allow-oom
-- INCLUDE  append members messages timers polls

local before = repeated()
if before then return before end
local member = member_of(actor)
local deleted = read_head('deleted')
if not member or deleted then return GONE end
local message, poll = message_of(message_id), poll_of(message_id)
if not message or message.is_deleted or not poll then return { 'fail', 'not_found', 'There is no such poll' } end
if message.sender ~= actor and not is_admin(member) then
  return { 'fail', 'forbidden', 'Only who made a poll, or an admin, may close it' }
end
if poll.is_closed then return unchanged() end

local id = close_poll(message_id, poll)
clear_timer('poll', timer .. message.sender)
return commit(id)
