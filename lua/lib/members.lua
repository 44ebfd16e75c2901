-- Who is in a conversation. Needs the local: members. A member's value is nine words, '-' for none:
--   role, seq of joining
--   messages read, id of the last one: how far others see the member to have read; the first counts, so that unread is a subtraction
--   seq up to which events were delivered
--   messages read and an event id again: from where the member's own unread counts, where they marked messages unread since
--   ms of the last marks delivered and read; none where the member came in, or wrote, after them
-- TypeScript reads and makes it in src/chat/member-words.ts.

-- In a conversation of more members than this a mark is no event, and no message has a status: whatever is told to everyone about
-- everyone grows with the square.
local MANY = 200

local function number_or_nil(word)
  return word ~= '-' and tonumber(word) or nil
end

local function member_of(user)
  local value = redis.call('HGET', members, user)
  if not value then return nil end
  local role, joined, read, up_to, delivered, own_read, own_up_to, delivered_at, read_at =
    string.match(value, '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
  return { role = role, joined = tonumber(joined), read = tonumber(read), up_to = up_to, delivered = tonumber(delivered),
    own_read = number_or_nil(own_read), own_up_to = own_up_to, delivered_at = delivered_at, read_at = read_at }
end

-- Role and seq of joining, for whoever needs no more; nil of who is not in.
local function role_of(user)
  return string.match(redis.call('HGET', members, user) or '', '^(%S+) (%S+)')
end

local function set_member(user, member)
  redis.call('HSET', members, user, string.format('%s %.0f %.0f %s %.0f %s %s %s %s', member.role, member.joined, member.read,
    member.up_to, member.delivered, member.own_read and string.format('%.0f', member.own_read) or '-', member.own_up_to,
    member.delivered_at, member.read_at))
end

-- Who comes in by the event `id` of this seq has all before it behind them: `posted` messages.
local function new_member(role, seq, id, posted)
  return { role = role, joined = seq, read = posted, up_to = id, delivered = seq, own_up_to = '-', delivered_at = '-', read_at = '-' }
end

-- The member has read up to a message: its number, event id and seq. What is read was delivered, and what was marked unread is no more.
local function set_read(member, number, id, seq)
  member.read, member.up_to, member.read_at = number, id, '-'
  if member.delivered < seq then member.delivered, member.delivered_at = seq, '-' end
  member.own_read, member.own_up_to = nil, '-'
end

-- The same where the event `id` is the member's own newest message: all of the value follows from it.
local function set_posted(user, role, joined, number, id)
  local seq = string.match(id, '%d+$')
  redis.call('HSET', members, user, role .. ' ' .. joined .. ' ' .. number .. ' ' .. id .. ' ' .. seq .. ' - - - -')
end

local function are_many()
  return redis.call('HLEN', members) > MANY
end

local function is_admin(member)
  return member.role == 'owner' or member.role == 'admin'
end

-- The head keeps the policy as four words: who may add people, post, edit the name and pin.
local function policy_of(words)
  local add, post, edit_info, pin = string.match(words, '^(%S+) (%S+) (%S+) (%S+)$')
  return { add = add, post = post, edit_info = edit_info, pin = pin }
end

local function may_post(role, policy)
  return role ~= 'member' or string.match(policy, '^%S+ (%S+)') ~= 'admins'
end

-- Of what is archived all can be read, and taken away, and nothing comes in.
local ARCHIVED = { 'fail', 'forbidden', 'This conversation is archived: nothing new comes in' }
local GONE = { 'fail', 'not_found', 'There is no such conversation' }
