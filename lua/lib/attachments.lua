-- What scripts know of a user's uploads. Needs the locals: uploads attached. An upload's value in `uploads` is the id of the event that
-- brought it and that event's data, opaque. `attached` lists which messages carry it: `<attachment> <conversation> <message>`, and a
-- ` ?` behind it where the message is on its way and may never come. Members '-' keep the keys in being. TypeScript reads both in
-- src/chat/attachments/guard.ts.

local function upload_of(attachment)
  local value = redis.call('HGET', uploads, attachment)
  if not value then return nil end
  return { value = value, event = string.match(value, '^(%S+) ') }
end

local function is_used(attachment)
  return redis.call('ZLEXCOUNT', attached, '[' .. attachment .. ' ', '(' .. attachment .. '!') > 0
end
