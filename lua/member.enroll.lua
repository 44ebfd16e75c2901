-- member.enroll   a new account comes into a default channel; where it may not, or is in already, nothing changes
-- KEYS     log head members feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor role
-- FAIL     not_found
-- EMITS    participant.added/1
-- INCLUDE  append members bans

local kind, posted, archived, deleted = read_head('kind', 'messages', 'archived', 'deleted')
if not kind then return GONE end
if deleted or archived == '1' or member_of(actor) or is_banned(actor) then return { 'unchanged' } end

local id = append('participant.added', 1, '{"user_id":"' .. actor .. '","role":"' .. role .. '"}')
set_member(actor, new_member(role, last_seq, id, tonumber(posted)))
return commit(id)
