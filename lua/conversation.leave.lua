-- conversation.leave   a member goes; an owner who goes leaves the conversation to the admin, else the member, who joined first
-- KEYS     log head members feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor
-- FAIL     not_found forbidden conflict
-- EMITS    participant.removed/1 participant.role_changed/1
-- INCLUDE  append members

local before = repeated()
if before then return before end
local member = member_of(actor)
local kind, deleted = read_head('kind', 'deleted')
if not member or deleted then return GONE end
if kind == 'direct' then return { 'fail', 'forbidden', 'Nobody leaves a direct conversation' } end

local heir
if member.role == 'owner' then
  for _, user in ipairs(redis.call('HKEYS', members)) do
    local other = member_of(user)
    other.user = user
    local better = heir and ((other.role == 'admin' and heir.role ~= 'admin')
      or (other.role == heir.role and (other.joined < heir.joined or (other.joined == heir.joined and user < heir.user))))
    if user ~= actor and (not heir or better) then heir = other end
  end
end

local id = append('participant.removed', 1, '{"user_id":"' .. actor .. '","reason":"left"}')
redis.call('HDEL', members, actor)
if heir then
  append('participant.role_changed', 1, '{"user_id":"' .. heir.user .. '","role":"owner"}')
  heir.role = 'owner'
  set_member(heir.user, heir)
end
return commit(id)
