-- webhook.enqueue   an event is to be delivered to a webhook, once; 'gone' where there is no such webhook any more
-- KEYS     log webhooks deliveries deliveries_made deliveries_due timers
-- ARGV     webhook delivery about
-- FAIL     -
-- EMITS    -
-- INCLUDE  clock timers webhooks

local hook = hook_of()
if not hook then return { 'gone' } end
if hook.state == 'paused' or redis.call('HEXISTS', deliveries, delivery) == 1 then return { 'unchanged' } end
if redis.call('ZCARD', deliveries_made) > MOST_DELIVERIES then forget(redis.call('ZRANGE', deliveries_made, 1, 1)[1]) end
set_delivery(delivery, { webhook = webhook, state = 'pending', tries = 0, about = about, result = '-' })
redis.call('ZADD', deliveries_made, clock, delivery)
redis.call('ZADD', deliveries_due, clock, webhook .. ' ' .. delivery)
-- Whoever is at it looks for more when they are through.
if not hook.is_busy then set_timer('webhook', timer_name, clock) end
return { 'ok' }
