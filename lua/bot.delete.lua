-- bot.delete   a user has a bot no longer; its account has ended before
-- KEYS     log head bots feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope bot
-- FAIL     not_found conflict
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  append

local before = repeated()
if before then return before end
if bot == '-' or redis.call('HDEL', bots, bot) == 0 then return { 'fail', 'not_found', 'There is no such bot' } end
remember('0-0')
return { 'ok' }
