-- Who is in a conversation. Needs the local: members. A member's value is `<role> <seq of joining> <messages read> <read up to>`:
-- the third counts messages, so that unread is a subtraction; the fourth is an event id.

local function member_of(user)
  local value = redis.call('HGET', members, user)
  if not value then return nil end
  local role, joined, read, up_to = string.match(value, '^(%S+) (%S+) (%S+) (%S+)$')
  return { role = role, joined = tonumber(joined), read = tonumber(read), up_to = up_to }
end

local function set_member(user, member)
  redis.call('HSET', members, user, string.format('%s %.0f %.0f %s', member.role, member.joined, member.read, member.up_to))
end

local function is_admin(member)
  return member.role == 'owner' or member.role == 'admin'
end

-- The head keeps the policy as four words: who may add people, post, edit the name and pin.
local function policy_of(words)
  local add, post, edit_info, pin = string.match(words, '^(%S+) (%S+) (%S+) (%S+)$')
  return { add = add, post = post, edit_info = edit_info, pin = pin }
end

local function may_post(member, policy)
  return policy_of(policy).post ~= 'admins' or is_admin(member)
end

local GONE = { 'fail', 'not_found', 'There is no such conversation' }
