-- webhook.resume   a webhook that was paused is called again, with what waits first
-- KEYS     log head webhooks deliveries deliveries_made deliveries_due timers feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope webhook
-- FAIL     not_found conflict
-- EMITS    -
-- INCLUDE  append clock timers webhooks

local before = repeated()
if before then return before end
local hook = hook_of()
if not hook then return { 'fail', 'not_found', 'There is no such webhook' } end
if hook.state == 'active' then return unchanged() end
hook.state, hook.since = 'active', '-'
set_hook(hook)
wake_for_next()
remember('0-0')
return { 'ok' }
