-- typing.start   a member begins to type, or goes on: one signal in three seconds, whatever the client sends
-- KEYS     log head members typing feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor signals
-- FAIL     not_found forbidden conflict
-- EMITS    -
-- INCLUDE  append clock members typing signal

local before = repeated()
if before then return before end
local role = role_of(actor)
local policy, archived, deleted = read_head('policy', 'archived', 'deleted')
if not role or deleted then return GONE end
if archived == '1' then return ARCHIVED end
if not may_post(role, policy) then return { 'fail', 'forbidden', 'Only admins may post here' } end

local clock = redis_ms()
if is_told(actor, clock) then return unchanged() end

local ends = clock + TYPING_MS
forget_ended(clock)
redis.call('ZADD', typing, ends, typist(actor))
remember('0-0')
local data = '{"expires_at":"' .. rfc3339(ends) .. '"}'
signal(actor, '{"type":"typing.started","conversation_id":"' .. conversation .. '","actor_id":"' .. actor .. '","data":' .. data .. '}')
return { 'ok' }
