-- reminder.ring   a reminder is due: its user is notified, or, where the message may not be seen any more (`data` is ''), it ends unheard
-- KEYS     log head reminders notified unread timers feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope reminder notification data
-- FAIL     -
-- EMITS    reminder.ended/1 notification.created/1
-- FLAGS    allow-oom
-- INCLUDE  append timers reminders notifications

local deleted = read_head('deleted')
if deleted or redis.call('HEXISTS', reminders, reminder) == 0 then return { 'unchanged' } end
local id = append('reminder.ended', 1, ended_json(data == '' and 'gone' or 'rung'))
if data ~= '' then notify(notification, data) end
redis.call('HDEL', reminders, reminder)
clear_timer('reminder', timer_name)
return commit(id)
