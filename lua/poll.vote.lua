-- poll.vote   a member votes, or votes otherwise: `options` are numbers in order with commas, '' takes the vote back
-- KEYS     log head members messages feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor message_id options
-- FAIL     not_found forbidden conflict validation_failed
-- EMITS    poll.voted/1
-- INCLUDE  append members messages polls

local before = repeated()
if before then return before end
local role = role_of(actor)
local archived, deleted = read_head('archived', 'deleted')
if not role or deleted then return GONE end
if archived == '1' then return ARCHIVED end
local message, poll = message_of(message_id), poll_of(message_id)
if not message or message.is_deleted or not poll then return { 'fail', 'not_found', 'There is no such poll' } end
if not takes_votes(poll) then return { 'fail', 'forbidden', 'This poll is closed' } end
local chosen = 0
for option in string.gmatch(options, '%d+') do
  chosen = chosen + 1
  if tonumber(option) >= poll.count then return { 'fail', 'validation_failed', 'The poll has no option ' .. option } end
end
if chosen > 1 and not poll.is_multiple then return { 'fail', 'validation_failed', 'Only one option can be voted for here' } end
local field = message_id .. ':vote:' .. actor
local was = redis.call('HGET', messages, field)
if options == (was or '') then return unchanged() end

local told = was and ',"before":[' .. was .. ']' or ''
local id = append('poll.voted', 1, '{"poll_id":"' .. message_id .. '","options":[' .. options .. ']' .. told .. '}')
if options == '' then redis.call('HDEL', messages, field) else redis.call('HSET', messages, field, options) end
return commit(id)
