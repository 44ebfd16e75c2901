-- What scripts know of polls. Needs what append.lua and messages.lua define. A poll is a message, and beside it in `messages` stand
-- `<message id>:poll`, which is `<number of options> <single or multiple> <ms of its end, or -> <open or closed>`, and for each who has
-- voted `<message id>:vote:<user>`: the options by number, counted from 0, in order, with commas. TypeScript reads it in src/chat/polls/guard.ts.

local function poll_of(id)
  local value = redis.call('HGET', messages, id .. ':poll')
  if not value then return nil end
  local count, kind, ends, state = string.match(value, '^(%S+) (%S+) (%S+) (%S+)$')
  return { count = tonumber(count), is_multiple = kind == 'multiple', ends = ends, is_closed = state == 'closed' }
end

local function set_poll(id, poll)
  redis.call('HSET', messages, id .. ':poll', string.format('%.0f %s %s %s', poll.count, poll.is_multiple and 'multiple' or 'single',
    poll.ends, poll.is_closed and 'closed' or 'open'))
end

-- Appends the event and returns its id. The head must have been read, and be committed after.
local function close_poll(id, poll)
  local event_id = append('poll.closed', 1, '{"poll_id":"' .. id .. '"}')
  poll.is_closed = true
  set_poll(id, poll)
  return event_id
end

-- Its end sets no clock going: a vote is refused from its time on, whenever the timer fires.
local function takes_votes(poll)
  return not poll.is_closed and (poll.ends == '-' or now < tonumber(poll.ends))
end
