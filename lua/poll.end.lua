-- poll.end   the time of a poll has come: it is closed once, whoever fires; of one that was deleted nothing is told
-- KEYS     log head messages timers feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope message_id timer
-- FAIL     -
-- EMITS    poll.closed/1
-- FLAGS    allow-oom
-- INCLUDE  append clock messages timers polls

if not take_timer('poll', timer) then return { 'unchanged' } end
local deleted = read_head('deleted')
local message, poll = message_of(message_id), poll_of(message_id)
if deleted or not message or message.is_deleted or not poll or poll.is_closed then return { 'unchanged' } end
return commit(close_poll(message_id, poll))
