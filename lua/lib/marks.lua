-- How marks move. Needs what append.lua, members.lua and messages.lua define. A mark is set at a message that a person wrote.

-- The message at which a mark is wanted: the one named, or the newest where its id is ''. Where an event's id stands in its place, that
-- is the newest one too, unless the event lies before it: then the node must look which message stands there. Nothing, and the answer
-- that ends the script, where there is none.
local function message_to_mark(message_id, event, newest)
  local id = message_id ~= '' and message_id or newest
  if not id then return nil, unchanged() end
  local message = message_of(id)
  if not message then return nil, NO_MESSAGE end
  message.id = id
  message.seq = select(2, id_parts(message.event))
  if event ~= '' and select(2, id_parts(event)) < message.seq then
    return nil, { 'fail', 'not_found', 'The newest message does not stand there' }
  end
  return message
end

local function mark_json(message)
  return '{"up_to":"' .. message.event .. '","message_id":"' .. message.id .. '"}'
end

-- The answer where the guard state has changed and no event tells it.
local function settled(told)
  if fingerprint ~= '-' then remember('0-0') end
  return { 'ok', '', told }
end

-- For the member's own devices: where their unread begins, and how much that is.
local function unread_of(member, posted)
  local read, up_to = member.own_read or member.read, member.own_read and member.own_up_to or member.up_to
  return up_to .. ' ' .. string.format('%.0f', tonumber(posted) - read)
end
