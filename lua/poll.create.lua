-- poll.create   a member posts a poll: a message of type poll, and what can be voted for; it closes at the time `ends`, or by itself never
-- KEYS     log head members messages typing timers feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor message_id looked ends count kind rules broken message data
-- FAIL     not_found forbidden conflict rate_limited content_rejected
-- EMITS    message.sent/1 poll.created/1
-- INCLUDE  append members posting messages typing timers rules polls

local before = repeated()
if before then return before end
local role, joined = role_of(actor)
local posted, policy, blocked, archived, slow, ruled, deleted =
  read_head('messages', 'policy', 'blocked', 'archived', 'slow', 'rules', 'deleted')
if not role or deleted then return GONE end
local earlier, elsewhere = message_of(message_id, looked)
if elsewhere then return elsewhere end
if earlier then return { 'fail', 'conflict', 'This message id is taken' } end
local refused = refused_post(role, policy, blocked, archived, slow) or refused_text(ruled, rules, broken, role)
if refused then return refused end

posted = tonumber(posted) + 1
local id = append('message.sent', 1, message)
new_message(message_id, id, actor, posted, '-')
set_posted(actor, role, joined, posted, id)
note_post(slow)
redis.call('ZREM', typing, typist(actor))
append('poll.created', 1, data)
set_poll(message_id, { count = tonumber(count), is_multiple = kind == 'multiple', ends = ends, is_closed = false })
if ends ~= '-' then set_timer('poll', conversation .. '.' .. message_id .. '.' .. actor, ends) end
return commit(id, 'messages', posted, 'active', now_text, 'newest', message_id)
