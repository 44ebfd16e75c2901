-- message.send   a member posts a message; its id makes it repeatable for ever. data '' brings along what is not there
-- KEYS     log head members messages typing feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor message_id looked reply_to rules broken data
-- FAIL     not_found forbidden conflict rate_limited content_rejected
-- EMITS    message.sent/1
-- INCLUDE  append members posting messages typing rules

local before = repeated()
if before then return before end

local earlier, elsewhere = message_of(message_id, looked)
local role, joined = role_of(actor)
if elsewhere and role then return elsewhere end
if earlier then
  if earlier.sender == actor then return { 'duplicate', earlier.event } end
  return role and { 'fail', 'conflict', 'This message id is taken' } or GONE
end

local posted, policy, blocked, archived, slow, ruled, deleted =
  read_head('messages', 'policy', 'blocked', 'archived', 'slow', 'rules', 'deleted')
if not role or deleted then return GONE end
local refused = refused_post(role, policy, blocked, archived, slow)
if refused then return refused end
if data == '' then return { 'fail', 'not_found', 'What the message would bring along is not there' } end
refused = refused_text(ruled, rules, broken, role)
if refused then return refused end

local thread = '-'
if reply_to ~= '' then
  local parent = message_of(reply_to)
  -- A message of the server's own was looked for in history by the node: it is never edited and never goes.
  if string.sub(reply_to, 1, 1) ~= '7' and (not parent or parent.is_deleted) then
    return { 'fail', 'not_found', 'There is no such message to reply to' }
  end
  thread = parent and parent.thread ~= '-' and parent.thread or reply_to
  if thread ~= reply_to then data = with_field(data, 'thread_id', '"' .. thread .. '"') end
end

-- Who posts has seen what came before: the own message moves the read mark.
posted = string.format('%d', posted + 1)
local id = append('message.sent', 1, data)
new_message(message_id, id, actor, posted, thread)
set_posted(actor, role, joined, posted, id)
note_post(slow)
redis.call('ZREM', typing, typist(actor))
local done = commit(id, 'messages', posted, 'active', now_text, 'newest', message_id)
if thread ~= reply_to and thread ~= '-' then done[3] = thread end
return done
