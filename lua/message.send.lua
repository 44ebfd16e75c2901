-- message.send   a member posts a message; its id makes it repeatable for ever
-- KEYS     log head members messages feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor message_id reply_to data
-- FAIL     not_found forbidden conflict
-- EMITS    message.sent/1
-- INCLUDE  append members

local before = repeated()
if before then return before end

local earlier = redis.call('HGET', messages, message_id)
local member = member_of(actor)
if earlier then
  local id, sender = string.match(earlier, '^(%S+) (%S+)')
  if sender == actor then return { 'duplicate', id } end
  return member and { 'fail', 'conflict', 'This message id is taken' } or GONE
end

local posted, policy, deleted = read_head('messages', 'policy', 'deleted')
if not member or deleted then return GONE end
if policy_of(policy).post == 'admins' and not is_admin(member) then return { 'fail', 'forbidden', 'Only admins may post here' } end
if reply_to ~= '' and redis.call('HEXISTS', messages, reply_to) == 0 then
  return { 'fail', 'not_found', 'There is no such message to reply to' }
end

-- Who posts has seen what came before: the own message moves the read mark.
posted = tonumber(posted) + 1
local id = append('message.sent', 1, data)
redis.call('HSET', messages, message_id, id .. ' ' .. actor .. ' ' .. posted)
member.read, member.up_to = posted, id
set_member(actor, member)
return commit(id, 'messages', posted, 'active', string.format('%.0f', now))
