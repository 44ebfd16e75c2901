-- webhook.enlist   which webhooks want to hear of a partition's conversations; '' takes one off. The field 'version' counts the changes
-- KEYS     hooked
-- ARGV     webhook wish
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom

local changed
if wish == '' then
  changed = redis.call('HDEL', hooked, webhook) == 1
else
  changed = redis.call('HGET', hooked, webhook) ~= wish
  redis.call('HSET', hooked, webhook, wish)
end
if changed then redis.call('HINCRBY', hooked, 'version', 1) end
return { 'ok' }
