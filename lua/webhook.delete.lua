-- webhook.delete   a webhook is called no more, and what was to be delivered to it is dropped
-- KEYS     log head webhooks deliveries deliveries_made deliveries_due timers feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope webhook
-- FAIL     not_found conflict
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  append clock timers webhooks

local before = repeated()
if before then return before end
if not hook_of() then return { 'fail', 'not_found', 'There is no such webhook' } end
redis.call('HDEL', webhooks, webhook)
for _, id in ipairs(redis.call('ZRANGE', deliveries_made, 1, -1)) do
  local delivery = delivery_of(id)
  if delivery and delivery.webhook == webhook then forget(id) end
end
clear_timer('webhook', timer_name)
remember('0-0')
return { 'ok' }
