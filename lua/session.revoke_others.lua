-- session.revoke_others   a user ends every session but the one that asks
-- KEYS     log head sessions feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope kept
-- FAIL     conflict
-- EMITS    session.ended/1
-- FLAGS    allow-oom
-- INCLUDE  append sessions

local before = repeated()
if before then return before end
read_head()
local id = end_sessions('revoked', kept)
if not id then return unchanged() end
return commit(id)
