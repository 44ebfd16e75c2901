-- scheduled.cancel   a scheduled message will not be sent
-- KEYS     log head scheduled timers feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope scheduled_id
-- FAIL     not_found conflict
-- EMITS    scheduled.ended/1
-- FLAGS    allow-oom
-- INCLUDE  append timers scheduled

local before = repeated()
if before then return before end
local plan = planned()
if not plan then return NOT_PLANNED end
if plan.state == 'sending' then return BEING_SENT end

read_head()
local id = append('scheduled.ended', 1, plan_json(plan) .. ',"reason":"cancelled"}')
redis.call('HDEL', scheduled, scheduled_id)
clear_timer('scheduled', timer_name)
return commit(id)
