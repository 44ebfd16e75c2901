-- session.refresh   spends a refresh token for its successor; one that was spent before ends its session
-- KEYS     log head sessions feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope session generation lifetime details
-- FAIL     unauthenticated
-- EMITS    session.ended/1
-- FLAGS    allow-oom
-- INCLUDE  append sessions

local record = session_of(session)
if not record or now - record.used > tonumber(lifetime) then return { 'fail', 'unauthenticated', 'This session has ended' } end

local behind = record.generation - tonumber(generation)
-- Two tabs, or a client that did not get the answer: the successor is the same one, and it follows from the generation.
if behind == 1 and now - record.rotated < 10000 then return { 'unchanged' } end
if behind > 0 then
  read_head()
  return commit(end_session(session, 'reuse'))
end
-- A token ahead of the record is one that we made before a failover lost the rotation: it is the newest that there is.
record.generation = tonumber(generation) + 1
record.used, record.rotated, record.details = now, now, details
set_session(session, record)
return { 'unchanged' }
