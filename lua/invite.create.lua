-- invite.create   an invite by which whoever has its code may come in, for some seconds and so many of them; '-' is without end
-- KEYS     log head members feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor invite expires_in max_uses
-- FAIL     not_found forbidden conflict
-- EMITS    invite.created/1
-- INCLUDE  append members invites

local before = repeated()
if before then return before end
local member = member_of(actor)
local kind, policy, text, archived, deleted = read_head('kind', 'policy', 'invites', 'archived', 'deleted')
if not member or deleted then return GONE end
if archived == '1' then return ARCHIVED end
if kind == 'direct' then return { 'fail', 'forbidden', 'A direct conversation stays between two' } end
if policy_of(policy).add == 'admins' and not is_admin(member) then
  return { 'fail', 'forbidden', 'Only admins may invite people here' }
end
local invites = good_invites(text)
if #invites >= MOST_INVITES then return { 'fail', 'conflict', 'A conversation has at most 100 invites: revoke one first' } end

local ends = expires_in ~= '-' and now + tonumber(expires_in) * 1000 or nil
local id = append('invite.created', 1, '{"invite_id":"' .. invite .. '","expires_at":' .. (ends and '"' .. rfc3339(ends) .. '"' or 'null')
  .. ',"max_uses":' .. (max_uses ~= '-' and max_uses or 'null') .. '}')
invites[#invites + 1] = { id = invite, by = actor, at = string.format('%.0f', now), ends = ends and string.format('%.0f', ends) or '-',
  most = max_uses, uses = 0 }
return commit(id, 'invites', invites_text(invites))
