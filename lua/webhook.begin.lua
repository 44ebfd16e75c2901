-- webhook.begin   some of a webhook's deliveries that are due, each one try further; who asked has `lease_ms` to say what came of them
-- KEYS     log webhooks deliveries deliveries_made deliveries_due timers
-- ARGV     webhook most lease_ms
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  clock timers webhooks

local hook = hook_of()
if not hook or hook.state == 'paused' then
  clear_timer('webhook', timer_name)
  return { 'unchanged' }
end
local due = waiting(string.format('%.0f', clock))
if hook.is_busy then
  set_timer('webhook', timer_name, hook.busy)
  return { 'unchanged' }
elseif #due == 0 then
  wake_for_next()
  return { 'unchanged' }
end
hook.busy = string.format('%.0f', clock + lease_ms)
set_hook(hook)
set_timer('webhook', timer_name, hook.busy)
local reply = { 'ok', string.format('%.0f', clock), hook.details }
for i = 1, math.min(#due, tonumber(most)) do
  local delivery = delivery_of(due[i])
  delivery.tries = delivery.tries + 1
  set_delivery(due[i], delivery)
  redis.call('ZADD', deliveries_due, hook.busy, webhook .. ' ' .. due[i])
  reply[#reply + 1] = due[i]
  reply[#reply + 1] = delivery.about
end
return reply
