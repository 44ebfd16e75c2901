-- login.release   gives a name to log in with back, if it is still this user's
-- KEYS     self
-- ARGV     user
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom

if redis.call('HGET', self, 'user') == user then redis.call('UNLINK', self) end
return { 'ok' }
