-- conversation.join   a user enters a public channel; who is in it already changes nothing, and who finds it empty owns it
-- KEYS     log head members feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor
-- FAIL     not_found forbidden banned conflict
-- EMITS    participant.added/1
-- INCLUDE  append members bans

local before = repeated()
if before then return before end
local kind, posted, archived, deleted = read_head('kind', 'messages', 'archived', 'deleted')
if not kind or deleted then return GONE end
if member_of(actor) then return unchanged() end
if kind ~= 'channel' then return GONE end
if is_banned(actor) then return { 'fail', 'banned' } end
if archived == '1' then return ARCHIVED end

-- When the last one goes, nobody is there to inherit; a '-' among the members is none.
local is_empty = redis.call('HLEN', members) == redis.call('HEXISTS', members, '-')
local role = is_empty and 'owner' or 'member'
local id = append('participant.added', 1, '{"user_id":"' .. actor .. '","role":"' .. role .. '"}')
set_member(actor, new_member(role, last_seq, id, tonumber(posted)))
if is_empty then redis.call('HDEL', members, '-') end
return commit(id)
