-- bot.create   a user gets a bot; its account is made after. `scope` is what its key is for: conversations with commas between, '-' for all
-- KEYS     log head bots feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope bot scope
-- FAIL     not_found conflict
-- EMITS    -
-- INCLUDE  append users

-- A value is `<ms> <scope>`; the field '-' is none and keeps the key in being. TypeScript reads it in src/chat/bots/owning.ts.
local before = repeated()
if before then return before end
local gone = no_user()
if gone then return gone end
if redis.call('HEXISTS', bots, bot) == 1 then return { 'unchanged' } end
if redis.call('HLEN', bots) > 20 then return { 'fail', 'conflict', 'You have 20 bots already' } end
redis.call('HSET', bots, bot, string.format('%.0f ', now) .. scope)
remember('0-0')
return { 'ok' }
