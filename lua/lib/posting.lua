-- Who may post now. Needs what append.lua and members.lua define. In slow mode the head's field `posted <user>` has the ms at which somebody
-- posted last; of admins too, who may lose their role.

-- The refusal, or nil. What is asked for are fields of the head.
local function refused_post(role, policy, blocked, archived, slow)
  if blocked and string.find(blocked, '+', 1, true) then return { 'fail', 'forbidden', 'You cannot write to this user' } end
  if archived == '1' then return ARCHIVED end
  if not may_post(role, policy) then return { 'fail', 'forbidden', 'Only admins may post here' } end
  if not slow or slow == '0' or role ~= 'member' then return nil end
  local last = tonumber(redis.call('HGET', head, 'posted ' .. actor) or '0')
  local wait = math.ceil((last + tonumber(slow) * 1000 - now) / 1000)
  if wait > 0 then return { 'fail', 'rate_limited', 'This conversation is in slow mode', wait } end
end

local function note_post(slow)
  if slow and slow ~= '0' then redis.call('HSET', head, 'posted ' .. actor, now_text) end
end
