-- ban.remove   an admin lets a user come again; one who is not banned changes nothing
-- KEYS     log head members feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor user
-- FAIL     not_found forbidden conflict
-- EMITS    ban.removed/1
-- FLAGS    allow-oom
-- INCLUDE  append members bans

local before = repeated()
if before then return before end
local member = member_of(actor)
local kind, deleted = read_head('kind', 'deleted')
if not member or deleted then return GONE end
if kind == 'direct' or not is_admin(member) then return { 'fail', 'forbidden', 'Only admins may lift a ban' } end
if not ban_of(user) then return unchanged() end

local id = append('ban.removed', 1, '{"user_id":"' .. user .. '"}')
redis.call('HDEL', head, 'ban ' .. user)
return commit(id)
