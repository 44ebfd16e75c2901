-- Reminders of a user. Needs the locals: log reminders reminder. A value is `<conversation> <message> <ms>`; the field '-' is none and keeps the
-- key in being. The timer has the user's id in its name. TypeScript reads a value in src/chat/reminders/commands.ts.

local timer_name = string.match(log, ':([^:]+):events$') .. '.' .. reminder

local function ended_json(reason)
  return '{"reminder_id":"' .. reminder .. '","reason":"' .. reason .. '"}'
end
