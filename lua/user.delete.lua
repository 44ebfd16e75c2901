-- user.delete   ends an account: its sessions, its secrets, its place in the directory; its name stays taken, its log stays
-- KEYS     log head account sessions users feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope proved
-- FAIL     wrong_credentials conflict
-- EMITS    session.ended/1 user.deleted/1
-- INCLUDE  append sessions

local before = repeated()
if before then return before end
local deleted = read_head('deleted')
if deleted then return { 'duplicate', deleted } end
local password, username_entry, name_entry = unpack(redis.call('HMGET', account, 'password', 'username_entry', 'name_entry'))
if password ~= proved then return { 'fail', 'wrong_credentials', 'The password is wrong' } end

end_sessions('account_deleted')
local id = append('user.deleted', 1, '{}')
redis.call('ZREM', users, username_entry, name_entry)
redis.call('UNLINK', account, sessions)
return commit(id, 'deleted', id)
