-- invite.revoke   an invite holds no more: by who made it, or an admin; one that holds no more changes nothing
-- KEYS     log head members feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor invite
-- FAIL     not_found forbidden conflict
-- EMITS    invite.revoked/1
-- FLAGS    allow-oom
-- INCLUDE  append members invites

local before = repeated()
if before then return before end
local member = member_of(actor)
local text, deleted = read_head('invites', 'deleted')
if not member or deleted then return GONE end
local invites = good_invites(text)
local place = place_of(invites, invite)
if not place then return unchanged() end
if invites[place].by ~= actor and not is_admin(member) then
  return { 'fail', 'forbidden', 'Only who made an invite, or an admin, may revoke it' }
end

local id = append('invite.revoked', 1, '{"invite_id":"' .. invite .. '"}')
table.remove(invites, place)
return commit(id, 'invites', invites_text(invites))
