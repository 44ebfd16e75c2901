-- Whose stream it is. Needs what append.lua defines.

-- Reads the head to append at. Answers the refusal where there is no such user, or no longer.
local function no_user()
  local registered, deleted = read_head('registered', 'deleted')
  if not registered or deleted then return { 'fail', 'not_found', 'There is no such user' } end
end
