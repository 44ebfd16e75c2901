-- webhook.begin   some of a webhook's deliveries that are due, each one try further; who asked calls `beside` of them at a time, and has
--                 `round_ms` for each time, and once more to say what came of them
-- KEYS     log webhooks deliveries deliveries_made deliveries_due timers
-- ARGV     webhook most beside round_ms
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  clock timers webhooks

local hook = hook_of()
if not hook or hook.state == 'paused' then
  clear_timer('webhook', timer_name)
  return { 'unchanged' }
end
local due = waiting()
if hook.is_busy then
  set_timer('webhook', timer_name, hook.busy)
  return { 'unchanged' }
elseif #due == 0 then
  wake_for_next()
  return { 'unchanged' }
end
local count = math.min(#due, tonumber(most))
hook.busy = string.format('%.0f', clock + round_ms * (math.ceil(count / beside) + 1))
set_hook(hook)
set_timer('webhook', timer_name, hook.busy)
local reply = { 'ok', string.format('%.0f', clock), hook.details }
for i = 1, count do
  local delivery = delivery_of(due[i])
  delivery.tries = delivery.tries + 1
  set_delivery(due[i], delivery)
  redis.call('ZADD', deliveries_due, IN_HAND, webhook .. ' ' .. due[i])
  reply[#reply + 1] = due[i]
  reply[#reply + 1] = delivery.about
end
return reply
