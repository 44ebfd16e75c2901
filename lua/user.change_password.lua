-- user.change_password   takes a new password in place of the one that was proved; every session but the caller's ends
-- KEYS     log head account sessions feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope proved password kept
-- FAIL     wrong_credentials conflict
-- EMITS    session.ended/1
-- FLAGS    allow-oom
-- INCLUDE  append sessions

local before = repeated()
if before then return before end
-- `proved` is the hash that the current password was compared with, '' when it did not fit: another change may have come first.
local current = redis.call('HGET', account, 'password')
-- No two hashes are the same: this very change was sent twice, as a connection does that broke before the answer.
if current == password then return unchanged() end
if current ~= proved then return { 'fail', 'wrong_credentials', 'The current password is wrong' } end

read_head()
local id = end_sessions('password_changed', kept)
redis.call('HSET', account, 'password', password)
if id then return commit(id) end
return unchanged()
