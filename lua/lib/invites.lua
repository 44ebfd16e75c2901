-- By which invites one may come in. Needs what append.lua defines. The head's field `invites` has a word for each, the oldest first:
-- `<id>:<who made it>:<ms of making>:<ms of its end, or ->:<most uses, or ->:<uses>`. Whoever writes it leaves out those that have ended
-- or are used up. TypeScript reads it in src/chat/invites/guard.ts.

local MOST_INVITES = 100

local function is_good(invite)
  return (invite.ends == '-' or now < tonumber(invite.ends)) and (invite.most == '-' or invite.uses < tonumber(invite.most))
end

local function good_invites(text)
  local found = {}
  for word in string.gmatch(text or '', '%S+') do
    local id, by, at, ends, most, uses = string.match(word, '^([^:]+):([^:]+):([^:]+):([^:]+):([^:]+):([^:]+)$')
    local invite = { id = id, by = by, at = at, ends = ends, most = most, uses = tonumber(uses) }
    if is_good(invite) then found[#found + 1] = invite end
  end
  return found
end

local function invites_text(invites)
  local words = {}
  for _, one in ipairs(invites) do
    if is_good(one) then
      words[#words + 1] = string.format('%s:%s:%s:%s:%s:%.0f', one.id, one.by, one.at, one.ends, one.most, one.uses)
    end
  end
  return table.concat(words, ' ')
end

-- Where an invite stands among them, or nil.
local function place_of(invites, id)
  for i, one in ipairs(invites) do
    if one.id == id then return i end
  end
end
