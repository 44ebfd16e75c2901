-- session.revoke   a user ends one of the own sessions
-- KEYS     log head sessions feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope session
-- FAIL     not_found conflict
-- EMITS    session.ended/1
-- FLAGS    allow-oom
-- INCLUDE  append sessions

local before = repeated()
if before then return before end
if not session_of(session) then return { 'fail', 'not_found', 'There is no such session' } end
read_head()
return commit(end_session(session, 'revoked'))
