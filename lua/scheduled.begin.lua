-- scheduled.begin   a scheduled message that is due: from now on it can neither be changed nor taken back. The timer stays until it was sent
-- KEYS     log scheduled
-- ARGV     scheduled_id due
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  scheduled

local plan = planned()
if not plan then return { 'unchanged' } end
-- It may have got a later time since the timer fired, and then has a timer for that. No clock is asked: it may have been set back.
if plan.state ~= 'sending' and tonumber(plan.at) > tonumber(due) then return { 'unchanged' } end
plan.state = 'sending'
set_planned(plan)
return { 'ok', plan.conversation, plan.message }
