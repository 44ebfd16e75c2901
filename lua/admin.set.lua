-- admin.set   grants a user admin of the whole server, or takes it back; it goes with the account
-- KEYS     account
-- ARGV     state
-- FAIL     not_found
-- EMITS    -
-- FLAGS    allow-oom

local username, known = unpack(redis.call('HMGET', account, 'username', 'admin'))
if not username then return { 'fail', 'not_found', 'There is no such user' } end
if (known and 'granted' or 'revoked') == state then return { 'unchanged' } end
if state == 'granted' then redis.call('HSET', account, 'admin', '1') else redis.call('HDEL', account, 'admin') end
return { 'ok' }
