-- session.start   a log-in: a new session for whoever proved the password; expired ones go, and of a hundred the longest unused
-- KEYS     log head account sessions feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope proved session lifetime details
-- FAIL     wrong_credentials
-- EMITS    session.ended/1
-- INCLUDE  append sessions

-- The password may have been changed, or the account deleted, while the hash was worked out.
if redis.call('HGET', account, 'password') ~= proved then return { 'fail', 'wrong_credentials', 'Username or password is wrong' } end
if session_of(session) then return { 'unchanged' } end

read_head()
local others = {}
for _, found in ipairs(all_sessions()) do
  if now - found[2].used > tonumber(lifetime) then
    redis.call('HDEL', sessions, found[1])
  else
    others[#others + 1] = found[1]
  end
end
local id
for i = 1, #others - 99 do id = end_session(others[i], 'revoked') end
new_session(session, details)
if id then return commit(id) end
return { 'unchanged' }
