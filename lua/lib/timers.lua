-- Timers of the script's partition: something that will happen at a time, by Redis' clock. Needs the local: timers, and for taking one what
-- clock.lua defines. A timer is known by its kind and a name that the feature chooses, so that it can be moved and cleared. The member
-- '-', which is never due, keeps the key in being: a script may only name keys that exist.

-- Sets a timer, or moves it; `due` is Unix ms.
local function set_timer(kind, name, due)
  redis.call('ZADD', timers, '+inf', '-', due, kind .. ' ' .. name)
end

local function clear_timer(kind, name)
  redis.call('ZREM', timers, kind .. ' ' .. name)
end

-- For the script that acts when a timer fires: true once, and the timer is gone in the same step. False when it was cleared, moved to a
-- later time, or has acted already.
local function take_timer(kind, name)
  local due = redis.call('ZSCORE', timers, kind .. ' ' .. name)
  if not due or tonumber(due) > redis_ms() then return false end
  clear_timer(kind, name)
  return true
end
