-- session.end   a log-out; a session that has ended changes nothing
-- KEYS     log head sessions feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope session
-- FAIL     -
-- EMITS    session.ended/1
-- FLAGS    allow-oom
-- INCLUDE  append sessions

if not session_of(session) then return { 'unchanged' } end
read_head()
return commit(end_session(session, 'logout'))
