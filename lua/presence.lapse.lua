-- presence.lapse   the word of a node that may have run out: says since when it is silent, and some of its sockets here; none end it
-- KEYS     present timers
-- ARGV     node lease lease_ms count
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  clock timers

local ends = tonumber(redis.call('ZSCORE', timers, 'presence_lease ' .. lease) or '0')
if ends > redis_ms() then return { 'ok', '0' } end
local found = redis.call('ZRANGEBYLEX', present, '[' .. node .. ' ', '(' .. node .. '!', 'LIMIT', 0, count)
if #found == 0 then clear_timer('presence_lease', lease) end
return { 'ok', string.format('%.0f', ends - lease_ms), unpack(found) }
