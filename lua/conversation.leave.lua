-- conversation.leave   a member goes; an owner who goes leaves the conversation to the admin, else the member, who joined first
-- KEYS     log head members feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor
-- FAIL     not_found forbidden conflict
-- EMITS    participant.removed/1 participant.role_changed/1
-- FLAGS    allow-oom
-- INCLUDE  append members

local before = repeated()
if before then return before end
local member = member_of(actor)
local kind, deleted = read_head('kind', 'deleted')
if not member or deleted then return GONE end
if kind == 'direct' then return { 'fail', 'forbidden', 'Nobody leaves a direct conversation' } end

-- In one call, since a room may have thousands: whoever joined first, of the admins before the members.
local heir
if member.role == 'owner' then
  local fields = redis.call('HGETALL', members)
  for i = 1, #fields, 2 do
    local user = fields[i]
    local role, joined = string.match(fields[i + 1], '^(%S+) (%d+)')
    local rank = { role == 'admin' and 0 or 1, tonumber(joined), user }
    local is_before = heir and (rank[1] < heir[1] or (rank[1] == heir[1] and (rank[2] < heir[2] or (rank[2] == heir[2] and user < heir[3]))))
    if user ~= actor and role and (not heir or is_before) then heir = rank end
  end
end

local id = append('participant.removed', 1, '{"user_id":"' .. actor .. '","reason":"left"}')
-- A script may only name keys that exist, and to an empty channel people may come back.
if redis.call('HLEN', members) == 1 then redis.call('HSET', members, '-', '') end
redis.call('HDEL', members, actor)
if heir then
  local user = heir[3]
  append('participant.role_changed', 1, '{"user_id":"' .. user .. '","role":"owner"}')
  local owner = member_of(user)
  owner.role = 'owner'
  set_member(user, owner)
end
return commit(id)
