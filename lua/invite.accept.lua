-- invite.accept   a user comes in by an invite and uses it up by one; who is in already changes nothing
-- KEYS     log head members feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor invite
-- FAIL     not_found forbidden banned conflict
-- EMITS    participant.added/1
-- INCLUDE  append members bans invites

local before = repeated()
if before then return before end
local posted, text, archived, deleted = read_head('messages', 'invites', 'archived', 'deleted')
if not posted or deleted then return GONE end
if member_of(actor) then return unchanged() end
local invites = good_invites(text)
local place = place_of(invites, invite)
if not place then return { 'fail', 'not_found', 'This invite does not hold, or not any more' } end
if is_banned(actor) then return { 'fail', 'banned' } end
if archived == '1' then return ARCHIVED end

local id = append('participant.added', 1, '{"user_id":"' .. actor .. '","role":"member","invite_id":"' .. invite .. '"}')
set_member(actor, new_member('member', last_seq, id, tonumber(posted)))
invites[place].uses = invites[place].uses + 1
return commit(id, 'invites', invites_text(invites))
