-- conversation.update   changes name, description, picture, policy, slow mode, or archives it: then nothing changes until it comes back
-- KEYS     log head members channels feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor policy slow archived directory data
-- FAIL     not_found forbidden conflict
-- EMITS    conversation.updated/1
-- INCLUDE  append members

local before = repeated()
if before then return before end
local member = member_of(actor)
local kind, current, listed, was_archived, deleted = read_head('kind', 'policy', 'directory', 'archived', 'deleted')
if not member or deleted then return GONE end
if kind == 'direct' then return { 'fail', 'forbidden', 'A direct conversation has nothing to change' } end
-- '' keeps what is there.
local is_for_admins = policy .. slow .. archived ~= '' or policy_of(current).edit_info == 'admins'
if is_for_admins and not is_admin(member) then
  return { 'fail', 'forbidden', 'Only admins may change this' }
end
if data == '' then return unchanged() end
if was_archived == '1' and archived ~= '0' then return ARCHIVED end

-- Four words, of which '=' keeps what is there.
if policy ~= '' then
  local kept = string.gmatch(current, '%S+')
  current = string.gsub(policy, '%S+', function(word)
    local before_it = kept()
    return word == '=' and before_it or word
  end)
end

local id = append('conversation.updated', 1, data)
if kind == 'channel' and directory ~= '' and directory ~= listed then
  redis.call('ZREM', channels, listed)
  redis.call('ZADD', channels, 0, directory)
  listed = directory
end
-- What an event does not name it does not touch, or the log would not make what the head has.
local changed = { 'policy', current, 'directory', listed }
for name, value in pairs({ slow = slow, archived = archived }) do
  if value ~= '' then
    changed[#changed + 1] = name
    changed[#changed + 1] = value
  end
end
return commit(id, unpack(changed))
