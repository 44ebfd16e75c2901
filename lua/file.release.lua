-- file.release   a holder lets go of the content of a hash. Says the words of the keys that are to be taken away, also of earlier times
-- KEYS     files
-- ARGV     sha256 holder
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom

local function members(kind)
  return redis.call('ZRANGEBYLEX', files, '[' .. sha256 .. kind, '(' .. sha256 .. string.sub(kind, 1, -2) .. '!')
end

redis.call('ZREM', files, sha256 .. ' holder ' .. holder)
if #members(' holder ') == 0 then
  for _, key in ipairs(members(' key ')) do
    redis.call('ZREM', files, key)
    redis.call('ZADD', files, 0, sha256 .. ' doomed ' .. string.match(key, '(%S+)$'))
  end
end
local words = { 'ok' }
for _, doomed in ipairs(members(' doomed ')) do words[#words + 1] = string.match(doomed, '(%S+)$') end
return words
