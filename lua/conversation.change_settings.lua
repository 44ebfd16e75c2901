-- conversation.change_settings   a user's own settings of a conversation: muted until, archived, pinned; '=' keeps what is there
-- KEYS     log head settings feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope conversation muted_until archived_at pinned
-- FAIL     conflict
-- EMITS    conversation.settings_changed/1
-- INCLUDE  append

-- A value is three words, '-' for none: ms until which it is muted, how many messages it had when it was archived (a further one brings
-- it back), 'yes' where it is pinned. TypeScript reads it in src/chat/settings/commands.ts.
local before = repeated()
if before then return before end
local muted, archived, pin = string.match(redis.call('HGET', settings, conversation) or '- - -', '^(%S+) (%S+) (%S+)$')

local changed = {}
local function change(now_is, wanted, field, json)
  if wanted == '=' or wanted == now_is then return now_is end
  changed[#changed + 1] = ',"' .. field .. '":' .. json
  return wanted
end
muted = change(muted, muted_until, 'muted_until', tonumber(muted_until) and '"' .. rfc3339(tonumber(muted_until)) .. '"' or 'null')
local was_archived = archived
archived = change(archived, archived_at, 'archived', archived_at == '-' and 'false' or 'true')
if archived ~= was_archived and archived ~= '-' then changed[#changed + 1] = ',"archived_at_message":' .. archived end
pin = change(pin, pinned, 'pinned', pinned == 'yes' and 'true' or 'false')
if #changed == 0 then return unchanged() end

read_head()
local id = append('conversation.settings_changed', 1, '{"conversation_id":"' .. conversation .. '"' .. table.concat(changed) .. '}')
redis.call('HSET', settings, conversation, muted .. ' ' .. archived .. ' ' .. pin)
return commit(id)
