-- webhook.create   a user wants to be called when something happens
-- KEYS     log head webhooks feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope webhook details
-- FAIL     not_found conflict
-- EMITS    -
-- INCLUDE  append users

local before = repeated()
if before then return before end
local gone = no_user()
if gone then return gone end
if redis.call('HLEN', webhooks) > 10 then return { 'fail', 'conflict', 'You have 10 webhooks already' } end
redis.call('HSET', webhooks, webhook, 'active - - ' .. details)
remember('0-0')
return { 'ok' }
