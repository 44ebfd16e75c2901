-- attachment.unclaim   a message that was about to carry files was refused; what a message carries already stays
-- KEYS     attached
-- ARGV     use ids...
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom

for _, id in ipairs(ids) do redis.call('ZREM', attached, id .. ' ' .. use .. ' ?') end
return { 'ok' }
