-- Redis' own clock. Not the one of a partition's events, which append.lua owns and which may be ahead.

local function redis_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
