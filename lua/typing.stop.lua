-- typing.stop   a member no longer types; who was not typing changes nothing
-- KEYS     log head members typing feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor signals
-- FAIL     not_found forbidden conflict
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  append clock members typing signal

local before = repeated()
if before then return before end
local role = role_of(actor)
local policy, deleted = read_head('policy', 'deleted')
if not role or deleted then return GONE end
if not may_post(role, policy) then return { 'fail', 'forbidden', 'Only admins may post here' } end

local clock = redis_ms()
local ends = typing_until(actor, clock)
if not ends then return unchanged() end

redis.call('ZADD', typing, TYPING_MS - ends, typist(actor))
remember('0-0')
local data = '{"expires_at":"' .. rfc3339(clock) .. '"}'
signal(actor, '{"type":"typing.stopped","conversation_id":"' .. conversation .. '","actor_id":"' .. actor .. '","data":' .. data .. '}')
return { 'ok' }
