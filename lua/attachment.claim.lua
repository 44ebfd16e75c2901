-- attachment.claim   a message is about to carry files of one user: from now on they stay for it, until it is looked whether it came. All
--                    of them or none. Who did not upload them names a message that carries them
-- KEYS     uploads attached timers
-- ARGV     actor owner from use again_ms ids...
-- FAIL     not_found
-- EMITS    -
-- INCLUDE  clock attachments timers

local found = { 'ok' }
for _, id in ipairs(ids) do
  local upload = upload_of(id)
  local may = actor == owner or redis.call('ZSCORE', attached, id .. ' ' .. from) or redis.call('ZSCORE', attached, id .. ' ' .. from .. ' ?')
  if not upload or not may then return { 'fail', 'not_found', 'There is no such attachment' } end
  found[#found + 1] = upload.value
end

local again = redis_ms() + again_ms
for _, id in ipairs(ids) do
  if not redis.call('ZSCORE', attached, id .. ' ' .. use) then
    redis.call('ZADD', attached, 0, id .. ' ' .. use .. ' ?')
    set_timer('attachment', id, again)
  end
end
return found
