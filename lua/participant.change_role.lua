-- participant.change_role   the owner gives a role; giving "owner" hands the conversation over
-- KEYS     log head members feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor user role
-- FAIL     not_found forbidden conflict
-- EMITS    participant.role_changed/1
-- INCLUDE  append members

local before = repeated()
if before then return before end
local member = member_of(actor)
local kind, deleted = read_head('kind', 'deleted')
if not member or deleted then return GONE end
local target = member_of(user)
if not target then return { 'fail', 'not_found', 'This user is not in the conversation' } end
if kind == 'direct' or member.role ~= 'owner' then return { 'fail', 'forbidden', 'Only the owner gives roles' } end
if user == actor and role ~= 'owner' then
  return { 'fail', 'forbidden', 'Hand the conversation over first: a conversation has one owner' }
end
if target.role == role then return unchanged() end

local function change(whom, who, new_role)
  who.role = new_role
  set_member(whom, who)
  return append('participant.role_changed', 1, '{"user_id":"' .. whom .. '","role":"' .. new_role .. '"}')
end
if role == 'owner' then change(actor, member, 'admin') end
return commit(change(user, target, role))
