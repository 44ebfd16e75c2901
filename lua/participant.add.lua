-- participant.add   a member brings others in; who is in already is passed over, and with one who is banned nobody comes in
-- KEYS     log head members feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor role users...
-- FAIL     not_found forbidden banned conflict
-- EMITS    participant.added/1
-- INCLUDE  append members bans

local before = repeated()
if before then return before end
local member = member_of(actor)
local kind, policy, posted, archived, deleted = read_head('kind', 'policy', 'messages', 'archived', 'deleted')
if not member or deleted then return GONE end
if archived == '1' then return ARCHIVED end
if kind == 'direct' then return { 'fail', 'forbidden', 'A direct conversation stays between two' } end
if policy_of(policy).add == 'admins' and not is_admin(member) then
  return { 'fail', 'forbidden', 'Only admins may add people here' }
end
if role ~= 'member' and member.role ~= 'owner' then return { 'fail', 'forbidden', 'Only the owner gives roles' } end

for _, user in ipairs(users) do
  if not member_of(user) and is_banned(user) then return { 'fail', 'banned', 'The user ' .. user .. ' is banned here' } end
end

local id
for _, user in ipairs(users) do
  if not member_of(user) then
    id = append('participant.added', 1, '{"user_id":"' .. user .. '","role":"' .. role .. '"}')
    set_member(user, new_member(role, last_seq, id, tonumber(posted)))
  end
end
if not id then return unchanged() end
return commit(id)
