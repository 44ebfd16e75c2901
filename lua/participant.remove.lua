-- participant.remove   an admin takes a member out; admins are taken out by the owner only
-- KEYS     log head members feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor user
-- FAIL     not_found forbidden conflict
-- EMITS    participant.removed/1
-- FLAGS    allow-oom
-- INCLUDE  append members

local before = repeated()
if before then return before end
local member = member_of(actor)
local kind, deleted = read_head('kind', 'deleted')
if not member or deleted then return GONE end
local target = member_of(user)
if not target then return { 'fail', 'not_found', 'This user is not in the conversation' } end
if kind == 'direct' or not is_admin(member) or target.role == 'owner' or (target.role == 'admin' and member.role ~= 'owner') then
  return { 'fail', 'forbidden', 'You may not take this member out' }
end

local id = append('participant.removed', 1, '{"user_id":"' .. user .. '","reason":"removed"}')
redis.call('HDEL', members, user)
return commit(id)
