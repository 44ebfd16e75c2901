-- presence.roll   the sockets of a node that are known in this partition, as `<node> <user> <connection>`, a page after another
-- KEYS     present
-- ARGV     node after count
-- FAIL     -
-- EMITS    -
-- FLAGS    no-writes

local from = after == '' and '[' .. node .. ' ' or '(' .. after
return { 'ok', unpack(redis.call('ZRANGEBYLEX', present, from, '(' .. node .. '!', 'LIMIT', 0, count)) }
