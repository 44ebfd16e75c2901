-- directory.refold   gives entries of a directory another spelling, there and where their owners keep them. The first key is the directory,
--                    then comes for each entry the guard hash of its owner. What has changed or gone in the meantime is passed over.
-- KEYS     directory_and_owners...
-- ARGV     old_and_new...
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom

local directory = directory_and_owners[1]
for i = 1, #old_and_new, 2 do
  local old, new, owner = old_and_new[i], old_and_new[i + 1], directory_and_owners[(i + 1) / 2 + 1]
  if redis.call('ZREM', directory, old) == 1 then redis.call('ZADD', directory, 0, new) end
  for _, field in ipairs({ 'directory', 'username_entry', 'name_entry' }) do
    if redis.call('HGET', owner, field) == old then redis.call('HSET', owner, field, new) end
  end
end
return { 'ok' }
