-- Which messages are pinned: the head's field `pins`, an id of 26 characters with a blank before it for each, in the order of pinning.
-- TypeScript reads it in src/chat/pins/guard.ts.

local MOST_PINS = 50

local function is_pinned(pins, id)
  return pins and string.find(pins, ' ' .. id, 1, true) ~= nil
end

local function has_room(pins)
  return #(pins or '') < MOST_PINS * 27
end

local function with_pin(pins, id)
  return (pins or '') .. ' ' .. id
end

local function without_pin(pins, id)
  return (string.gsub(pins, ' ' .. id, '', 1))
end
