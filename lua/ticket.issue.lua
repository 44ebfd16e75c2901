-- ticket.issue   keeps what a ticket stands for until it is redeemed or its time is over
-- KEYS     self
-- ARGV     value lifetime
-- FAIL     -
-- EMITS    -

redis.call('SET', self, value, 'PX', lifetime)
return { 'ok' }
