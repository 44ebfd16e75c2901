-- block.direct   the direct conversation of two knows whether one of them blocked the other; an older word changes nothing
-- KEYS     head
-- ARGV     user mark
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  ids

-- `blocked` holds `<user>=<mark>` for each of the two who ever did.
local kind, blocked = unpack(redis.call('HMGET', head, 'kind', 'blocked'))
if kind ~= 'direct' then return { 'ok' } end
local rest = {}
for who, earlier in string.gmatch(blocked or '', '(%w+)=(%S+)') do
  if who ~= user then rest[#rest + 1] = who .. '=' .. earlier
  elseif is_before(string.sub(mark, 2), string.sub(earlier, 2)) then return { 'ok' } end
end
rest[#rest + 1] = user .. '=' .. mark
redis.call('HSET', head, 'blocked', table.concat(rest, ' '))
return { 'ok' }
