-- Webhooks of a user and what is to be delivered to them. Needs the locals: log webhooks deliveries deliveries_made deliveries_due webhook, and
-- what clock.lua and timers.lua define. `webhooks`: `<active or paused> <ms since which nothing arrives, or -> <ms until which
-- somebody is at it, or -> <details>`, the details one opaque word.
-- `deliveries`: `<webhook> <pending, delivered, failed or gone> <tries> <conversation> <event> <type> <result>`, the result one word.
-- `deliveries_made` has each of them by the ms at which it was made, `deliveries_due` has `<webhook> <delivery>` of those that are yet to be
-- tried by the ms at which they are, and IN_HAND of those that somebody tries. '-' is none anywhere. TypeScript reads them in src/chat/webhooks/stored.ts.

local MOST_DELIVERIES = 1000
-- Who dies at it is followed at once by whoever comes when the lease is over.
local IN_HAND = 1
local DAY_OF_FAILURES = 86400000
-- No lease is longer: one that seems so was given before the clock was set back.
local MOST_LEASE = 60000
-- Seconds after each try that failed; after the last there is no further one. Together a little more than a day.
local BACK_OFF = { 10, 60, 300, 1800, 7200, 21600, 55800 }

local clock = redis_ms()
local timer_name = string.match(log, ':([^:]+):events$') .. '.' .. webhook

local function hook_of()
  local value = webhook ~= '-' and redis.call('HGET', webhooks, webhook)
  if not value then return nil end
  local state, since, busy, details = string.match(value, '^(%S+) (%S+) (%S+) (%S+)$')
  local until_ms = tonumber(busy) or 0
  return { state = state, since = since, busy = busy, details = details, is_busy = until_ms > clock and until_ms <= clock + MOST_LEASE }
end

local function set_hook(hook)
  redis.call('HSET', webhooks, webhook, table.concat({ hook.state, hook.since, hook.busy, hook.details }, ' '))
end

local function delivery_of(id)
  local value = redis.call('HGET', deliveries, id)
  if not value then return nil end
  local of, state, tries, about, result = string.match(value, '^(%S+) (%S+) (%S+) (%S+ %S+ %S+) (%S+)$')
  return { webhook = of, state = state, tries = tonumber(tries), about = about, result = result }
end

local function set_delivery(id, delivery)
  redis.call('HSET', deliveries, id, table.concat({ delivery.webhook, delivery.state, delivery.tries, delivery.about, delivery.result }, ' '))
end

local function forget(id)
  local delivery = delivery_of(id)
  redis.call('HDEL', deliveries, id)
  redis.call('ZREM', deliveries_made, id)
  if delivery then redis.call('ZREM', deliveries_due, delivery.webhook .. ' ' .. id) end
end

-- Ids of the webhook's deliveries that are to be tried now, the longest due first, and when the next is. One that was never tried is, also
-- where the clock was set back since it came.
local function waiting()
  local found, first = {}, nil
  local all = redis.call('ZRANGEBYSCORE', deliveries_due, '(0', '+inf', 'WITHSCORES')
  for i = 1, #all, 2 do
    local of, id = string.match(all[i], '^(%S+) (%S+)$')
    if of == webhook then
      local due = tonumber(all[i + 1])
      if due > clock and delivery_of(id).tries == 0 then due = clock end
      if due <= clock then found[#found + 1] = id end
      first = math.min(first or due, due)
    end
  end
  return found, first
end

local function wake_for_next()
  local _, first = waiting()
  if first then set_timer('webhook', timer_name, string.format('%.0f', first)) else clear_timer('webhook', timer_name) end
end
