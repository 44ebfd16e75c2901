-- feed.prepare   makes every key of a partition that scripts name, so that it exists: while a slot moves, Redis refuses a script that names
--                one which does not. What is put there is none of the things that lie there. A group that is new begins with what
--                happens from now on
-- KEYS     feed feed_head requests_0 requests_1 checkpoints leases parked views hooked channels users typing present online attachments files timers
-- ARGV     groups...
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom

if redis.call('EXISTS', feed) == 0 then
  redis.call('XGROUP', 'CREATE', feed, '-', '0', 'MKSTREAM')
  redis.call('XGROUP', 'DESTROY', feed, '-')
end
for _, hash in ipairs({ feed_head, checkpoints, leases, parked, views, hooked }) do redis.call('HSETNX', hash, '-', '') end
for _, generation in ipairs({ requests_0, requests_1 }) do redis.call('HSETNX', generation, 'day', '-1') end
-- In directories it sorts behind every name.
for _, directory in ipairs({ channels, users }) do redis.call('ZADD', directory, 0, '\255') end
for _, by_name in ipairs({ present, online, attachments, files }) do redis.call('ZADD', by_name, 0, '-') end
for _, by_time in ipairs({ typing, timers }) do redis.call('ZADD', by_time, '+inf', '-') end
for _, group in ipairs(groups) do redis.call('HSETNX', checkpoints, group, redis.call('HGET', feed_head, 'id') or '0-0') end
return { 'ok' }
