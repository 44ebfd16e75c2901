-- proof.fields   what one key has under some names (HGET or ZSCORE), and where the key that tells its position stands, all of one instant
-- KEYS     position_and_proven...
-- ARGV     command field names...
-- FAIL     -
-- EMITS    -
-- FLAGS    no-writes

local position, proven = position_and_proven[1], position_and_proven[2]
local values = {}
for i, name in ipairs(names) do values[i] = redis.call(command, proven, name) end
return { 'ok', redis.call('HGET', position, field) or '', values }
