-- Who is typing. Needs the locals: log typing. `typing` is one sorted set for the partition: `<conversation> <user>` at the Redis ms at
-- which it ends by itself, or, once it was stopped, at minus the ms at which it had begun, so that who goes on and off is told of no more
-- often than who only goes on. Its member '-' never ends: it keeps the key in being, since a script may only name keys that exist.

local TYPING_MS = 10000
local TOLD_MS = 3000
local conversation = string.sub(log, -33, -8)

local function typist(user)
  return conversation .. ' ' .. user
end

-- Until when a user is typing, or nil. What lies too far ahead is of a clock that was set back since.
local function typing_until(user, clock)
  local ends = tonumber(redis.call('ZSCORE', typing, typist(user)) or '0')
  return ends > clock and ends <= clock + TYPING_MS and ends or nil
end

-- True where the others were told within the last seconds that a user types.
local function is_told(user, clock)
  local score = tonumber(redis.call('ZSCORE', typing, typist(user)) or '0')
  local since = clock - (score > 0 and score - TYPING_MS or -score)
  return since >= 0 and since < TOLD_MS
end

-- Of the whole partition, so that nothing stays behind.
local function forget_ended(clock)
  redis.call('ZREMRANGEBYSCORE', typing, TOLD_MS - clock, clock)
end
