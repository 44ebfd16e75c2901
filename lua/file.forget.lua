-- file.forget   the keys of these words are taken away
-- KEYS     files
-- ARGV     sha256 words...
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom

for _, word in ipairs(words) do redis.call('ZREM', files, sha256 .. ' doomed ' .. word) end
return { 'ok' }
