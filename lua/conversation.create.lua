-- conversation.create   starts a conversation with its first members; an id that exists answers what created it
-- KEYS     log head members messages reactions channels feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope kind policy directory data participants...
-- FAIL     conflict
-- EMITS    conversation.created/1
-- INCLUDE  append members

local before = repeated()
if before then return before end
local created = read_head('created')
if created then return { 'duplicate', created } end

local id = append('conversation.created', 1, data)
for i = 1, #participants, 2 do
  set_member(participants[i], new_member(participants[i + 1], 1, id, 0))
end
-- Fields of their own keep keys in being that would be empty: a script may only name keys that exist.
redis.call('HSET', messages, '-', '')
redis.call('HSET', reactions, '-', '')
if directory ~= '' then redis.call('ZADD', channels, 0, directory) end
return commit(id, 'created', id, 'kind', kind, 'policy', policy, 'directory', directory, 'messages', 0, 'active', now_text)
