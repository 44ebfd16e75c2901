-- How a user is notified. Needs the locals: notified unread, and what append.lua defines. Both are sorted sets of notifications by the seq of
-- their event: all that are kept, and those not read yet. The entry '-' is none: it keeps a key in being, since a script may only name keys
-- that exist. Whoever has the most gives the oldest for a new one.

local MOST_NOTIFICATIONS = 1000

-- Appends the event and returns its id. The head must have been read, and be committed after.
local function notify(notification, data)
  local oldest = redis.call('ZCARD', notified) > MOST_NOTIFICATIONS and redis.call('ZRANGE', notified, 1, 1)[1]
  if oldest then data = string.sub(data, 1, -2) .. ',"drops":"' .. oldest .. '"}' end
  local id = append('notification.created', 1, data)
  if oldest then
    redis.call('ZREM', notified, oldest)
    redis.call('ZREM', unread, oldest)
  end
  redis.call('ZADD', notified, last_seq, notification)
  redis.call('ZADD', unread, last_seq, notification)
  return id
end
