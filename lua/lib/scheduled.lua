-- Messages that a user will send later. Needs the locals: log scheduled scheduled_id. A value is `<state> <conversation> <ms> <message>`: the
-- state is '-' or, from when it is being sent, 'sending': then it can neither be changed nor taken back. The message is one opaque word:
-- what nobody has said yet stands in no event. The field '-' is none and keeps the key in being. The timer has the user's id in its name.
-- TypeScript reads a value in src/chat/scheduled/stored.ts.

local timer_name = string.match(log, ':([^:]+):events$') .. '.' .. scheduled_id

local function planned()
  local value = scheduled_id ~= '-' and redis.call('HGET', scheduled, scheduled_id)
  if not value then return nil end
  local state, conversation, at, message = string.match(value, '^(%S+) (%S+) (%S+) (%S+)$')
  return { state = state, conversation = conversation, at = at, message = message }
end

local function set_planned(plan)
  redis.call('HSET', scheduled, scheduled_id, plan.state .. ' ' .. plan.conversation .. ' ' .. plan.at .. ' ' .. plan.message)
end

-- The beginning of an event's data.
local function plan_json(plan)
  return '{"scheduled_id":"' .. scheduled_id .. '","conversation_id":"' .. plan.conversation .. '"'
end

local NOT_PLANNED = { 'fail', 'not_found', 'There is no such scheduled message' }
local BEING_SENT = { 'fail', 'conflict', 'It is being sent' }
