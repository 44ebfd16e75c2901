-- scheduled.create   a message is to be sent at a time, under an id that the message will have
-- KEYS     log head scheduled timers feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope scheduled_id conversation send_at message
-- FAIL     not_found conflict
-- EMITS    scheduled.created/1
-- INCLUDE  append users timers scheduled

local before = repeated()
if before then return before end
local gone = no_user()
if gone then return gone end
local plan = planned()
if plan and plan.conversation == conversation and plan.at == send_at and plan.message == message then return unchanged() end
if plan then return { 'fail', 'conflict', 'This id is taken' } end
if redis.call('HLEN', scheduled) > 100 then return { 'fail', 'conflict', 'At most 100 messages can be scheduled at a time' } end

plan = { state = '-', conversation = conversation, at = send_at, message = message }
local id = append('scheduled.created', 1, plan_json(plan) .. ',"send_at":"' .. rfc3339(tonumber(send_at)) .. '"}')
set_planned(plan)
set_timer('scheduled', timer_name, send_at)
return commit(id)
