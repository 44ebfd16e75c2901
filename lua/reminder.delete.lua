-- reminder.delete   a user no longer wants to be reminded
-- KEYS     log head reminders timers feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope reminder
-- FAIL     not_found conflict
-- EMITS    reminder.ended/1
-- FLAGS    allow-oom
-- INCLUDE  append timers reminders

local before = repeated()
if before then return before end
if reminder == '-' or redis.call('HEXISTS', reminders, reminder) == 0 then return { 'fail', 'not_found', 'There is no such reminder' } end

read_head()
local id = append('reminder.ended', 1, ended_json('cancelled'))
redis.call('HDEL', reminders, reminder)
clear_timer('reminder', timer_name)
return commit(id)
