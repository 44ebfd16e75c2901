-- directory.folding   by which version of the folding a partition's directories are made; a new one is noted, '' only asks
-- KEYS     folding
-- ARGV     version
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom

if version ~= '' then redis.call('SET', folding, version) end
return { 'ok', redis.call('GET', folding) or '' }
