-- reminder.create   a user wants to be reminded of a message at a time
-- KEYS     log head reminders timers feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope reminder conversation message_id remind_at
-- FAIL     not_found conflict
-- EMITS    reminder.created/1
-- INCLUDE  append users timers reminders

local before = repeated()
if before then return before end
local gone = no_user()
if gone then return gone end
if redis.call('HLEN', reminders) > 100 then return { 'fail', 'conflict', 'There are 100 reminders already' } end

local id = append('reminder.created', 1, '{"reminder_id":"' .. reminder .. '","conversation_id":"' .. conversation .. '","message_id":"'
  .. message_id .. '","remind_at":"' .. rfc3339(tonumber(remind_at)) .. '"}')
redis.call('HSET', reminders, reminder, conversation .. ' ' .. message_id .. ' ' .. remind_at)
set_timer('reminder', timer_name, remind_at)
return commit(id)
