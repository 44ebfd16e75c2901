-- conversation.delete   ends a conversation for everyone; its log stays
-- KEYS     log head members channels feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor
-- FAIL     not_found forbidden conflict
-- EMITS    conversation.deleted/1
-- FLAGS    allow-oom
-- INCLUDE  append members

local before = repeated()
if before then return before end
local member = member_of(actor)
local listed, deleted = read_head('directory', 'deleted')
if not member or deleted then return GONE end
if member.role ~= 'owner' then return { 'fail', 'forbidden', 'Only the owner may delete a conversation' } end

local id = append('conversation.deleted', 1, '{}')
if listed ~= '' then redis.call('ZREM', channels, listed) end
return commit(id, 'deleted', '1')
