-- feed.heads   where many feeds end: the id of each one's last entry, '' for one that has none
-- KEYS     heads...
-- ARGV     -
-- FAIL     -
-- EMITS    -
-- FLAGS    no-writes

local ids = { 'ok' }
for i, head in ipairs(heads) do
  ids[i + 1] = redis.call('HGET', head, 'id') or ''
end
return ids
