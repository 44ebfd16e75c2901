-- ticket.redeem   answers what a ticket stands for, once
-- KEYS     self
-- ARGV     -
-- FAIL     unauthenticated
-- EMITS    -
-- FLAGS    allow-oom

local value = redis.call('GETDEL', self)
if not value then return { 'fail', 'unauthenticated', 'This ticket is not valid, or was used' } end
return { 'ok', value }
