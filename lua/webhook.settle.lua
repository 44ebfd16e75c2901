-- webhook.settle   what came of a delivery: 'delivered', 'failed' (and tried again, while there are tries) or 'gone'. A webhook to which nothing
--                  arrived for a day is paused, of which its owner is notified. `is_last` looks for what is due next
-- KEYS     log head webhooks deliveries deliveries_made deliveries_due notified unread timers feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope webhook delivery outcome result is_last notification data
-- FAIL     -
-- EMITS    notification.created/1
-- FLAGS    allow-oom
-- INCLUDE  append clock timers webhooks notifications

local hook, entry = hook_of(), delivery_of(delivery)
local deleted = read_head('deleted')
if not hook or not entry or deleted then return { 'unchanged' } end
local back_off = outcome == 'failed' and BACK_OFF[entry.tries]
entry.state, entry.result = back_off and 'pending' or outcome, result
set_delivery(delivery, entry)
if back_off then
  redis.call('ZADD', deliveries_due, string.format('%.0f', clock + back_off * 1000), webhook .. ' ' .. delivery)
else
  redis.call('ZREM', deliveries_due, webhook .. ' ' .. delivery)
end

local id
if outcome == 'delivered' then
  hook.since = '-'
elseif outcome == 'failed' and hook.since == '-' then
  hook.since = string.format('%.0f', clock)
elseif outcome == 'failed' and hook.state == 'active' and clock - hook.since >= DAY_OF_FAILURES then
  hook.state = 'paused'
  id = notify(notification, data)
end
if is_last == '1' then hook.busy = '-' end
set_hook(hook)
if hook.state == 'paused' then clear_timer('webhook', timer_name) elseif is_last == '1' then wake_for_next() end
if id then return commit(id) end
return { 'ok' }
