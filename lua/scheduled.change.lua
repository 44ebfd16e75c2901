-- scheduled.change   another time, or other words, for a scheduled message; '=' keeps what is there
-- KEYS     log head scheduled timers feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope scheduled_id send_at message
-- FAIL     not_found conflict
-- EMITS    scheduled.changed/1
-- INCLUDE  append timers scheduled

local before = repeated()
if before then return before end
local plan = planned()
if not plan then return NOT_PLANNED end
if plan.state == 'sending' then return BEING_SENT end
local at, words = plan.at, plan.message
if send_at ~= '=' then plan.at = send_at end
if message ~= '=' then plan.message = message end
if plan.at == at and plan.message == words then return unchanged() end

read_head()
local id = append('scheduled.changed', 1, plan_json(plan) .. ',"send_at":"' .. rfc3339(tonumber(plan.at)) .. '"}')
set_planned(plan)
set_timer('scheduled', timer_name, plan.at)
return commit(id)
