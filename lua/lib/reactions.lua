-- Who reacted to what. Needs the locals: reactions message_id emoji actor. Three kinds of fields, so that every question is one lookup:
-- `<message> <emoji> <user>` for each reaction, `<message> <emoji>` with how many have used it, `<message>` with how many different
-- emoji it has. The field '-' keeps the key in being, since a script may only name keys that exist.

local MOST_EMOJI = 20

local function emoji_field()
  return message_id .. ' ' .. emoji
end

local function own_field()
  return emoji_field() .. ' ' .. actor
end

local function count_at(field)
  return tonumber(redis.call('HGET', reactions, field) or '0')
end

local function count_down(field)
  if redis.call('HINCRBY', reactions, field, -1) == 0 then redis.call('HDEL', reactions, field) end
end

-- The revision is the one that was seen.
local function reaction_json(message)
  return string.format('{"message_id":"%s","emoji":"%s","revision":%.0f}', message_id, emoji, message.revision)
end
