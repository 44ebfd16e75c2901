-- What scripts know of a conversation's messages. Needs the local: messages, and what append.lua defines. A message's value is
-- `<event id> <sender> <number> <revision> <thread> <state>`: the number counts messages, the thread is the id of the message that
-- began it or '-', the state is '-' or 'deleted'. Ids of the server's own messages begin with 7, and no client's do: those messages
-- are told from other events and stand here nowhere. Beside it `<message id>:<revision>` names the event of each later revision.

-- Nothing is known of one whose facts left Redis, either; the field '-' has the highest id of those. Second value: whether it may be one of
-- them, given the mark up to which the node has looked for it.
local function message_of(id, looked)
  local value, mark = unpack(redis.call('HMGET', messages, id, '-'))
  if not value then return nil, looked and mark and id <= mark and looked ~= mark and { 'elsewhere', mark } end
  local event, sender, number, revision, thread, state = string.match(value, '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
  return { event = event, sender = sender, number = tonumber(number), revision = tonumber(revision), thread = thread,
    is_deleted = state == 'deleted' }
end

local function set_message(id, message)
  redis.call('HSET', messages, id, string.format('%s %s %.0f %.0f %s %s', message.event, message.sender, message.number,
    message.revision, message.thread, message.is_deleted and 'deleted' or '-'))
end

-- The same of one that is new.
local function new_message(id, event, sender, number, thread)
  redis.call('HSET', messages, id, event .. ' ' .. sender .. ' ' .. number .. ' 1 ' .. thread .. ' -')
end

-- Whether a message was sent longer than a window of seconds ago; 0 is a window that never closes.
local function is_older(message, window)
  return window ~= '0' and now - id_parts(message.event) > tonumber(window) * 1000
end

-- A JSON object with one more field. What a client wrote is not looked into.
local function with_field(object, name, json)
  return string.sub(object, 1, -2) .. ',"' .. name .. '":' .. json .. '}'
end

local NO_MESSAGE = { 'fail', 'not_found', 'There is no such message' }
