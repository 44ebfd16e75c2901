-- scheduled.end   a scheduled message was sent, or, for the reason `code`, could not be: then its sender is notified
-- KEYS     log head scheduled notified unread timers feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope scheduled_id code notification data
-- FAIL     -
-- EMITS    scheduled.ended/1 notification.created/1
-- FLAGS    allow-oom
-- INCLUDE  append timers scheduled notifications

local plan = planned()
local deleted = read_head('deleted')
if not plan or deleted then return { 'unchanged' } end
local how = code == '' and '"sent"}' or '"refused","code":"' .. code .. '"}'
local id = append('scheduled.ended', 1, plan_json(plan) .. ',"reason":' .. how)
if code ~= '' then notify(notification, data) end
redis.call('HDEL', scheduled, scheduled_id)
clear_timer('scheduled', timer_name)
return commit(id)
