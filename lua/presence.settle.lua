-- presence.settle   time has passed: the grace after a user's last socket may be over, or the status text at its end
-- KEYS     log head presence online timers feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor
-- FAIL     conflict
-- EMITS    presence.changed/1
-- FLAGS    allow-oom
-- INCLUDE  append timers presence

local deleted = read_head('deleted')
if deleted then
  wake()
  return { 'unchanged' }
end
return settled(presence_state())
