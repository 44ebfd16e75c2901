-- conversation.join   a user enters a public channel; who is in it already changes nothing
-- KEYS     log head members feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor
-- FAIL     not_found conflict
-- EMITS    participant.added/1
-- INCLUDE  append members

local before = repeated()
if before then return before end
local kind, posted, deleted = read_head('kind', 'messages', 'deleted')
if not kind or deleted then return GONE end
if member_of(actor) then return unchanged() end
if kind ~= 'channel' then return GONE end

local id = append('participant.added', 1, '{"user_id":"' .. actor .. '","role":"member"}')
set_member(actor, new_member('member', last_seq, id, tonumber(posted)))
return commit(id)
