-- ban.add   an admin keeps a user out, until a time or for good; one who is in goes by it. Again with another end or reason changes the ban
-- KEYS     log head members feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor user ban data
-- FAIL     not_found forbidden conflict
-- EMITS    ban.added/1 participant.removed/1
-- FLAGS    allow-oom
-- INCLUDE  append members bans

local before = repeated()
if before then return before end
local member = member_of(actor)
local kind, deleted = read_head('kind', 'deleted')
if not member or deleted then return GONE end
local target = member_of(user)
local is_above = target and (target.role == 'owner' or (target.role == 'admin' and member.role ~= 'owner'))
if kind == 'direct' or not is_admin(member) or user == actor or is_above then
  return { 'fail', 'forbidden', 'You may not ban this user' }
end
if not target and ban_of(user) == ban then return unchanged() end

-- The ban comes first: who goes by it still hears why.
local id = append('ban.added', 1, data)
redis.call('HSET', head, 'ban ' .. user, ban)
if not target then return commit(id) end
local left = append('participant.removed', 1, '{"user_id":"' .. user .. '","reason":"banned"}')
redis.call('HDEL', members, user)
local done = commit(id)
done[3] = left
return done
