-- user.update   changes what others see of a user
-- KEYS     log head account users feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope entry data
-- FAIL     not_found conflict
-- EMITS    user.updated/1
-- INCLUDE  append users

local before = repeated()
if before then return before end
local gone = no_user()
if gone then return gone end
if data == '' then return unchanged() end

local id = append('user.updated', 1, data)
if entry ~= '' then
  local username_entry, name_entry = unpack(redis.call('HMGET', account, 'username_entry', 'name_entry'))
  -- The old name may have been the username in other letters, which stays.
  redis.call('ZREM', users, name_entry)
  redis.call('ZADD', users, 0, username_entry, 0, entry)
  redis.call('HSET', account, 'name_entry', entry)
end
return commit(id)
