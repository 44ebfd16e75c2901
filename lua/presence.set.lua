-- presence.set   a user says how to be seen; a text of '' keeps the one that is there
-- KEYS     log head presence online timers feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor status text ends
-- FAIL     not_found conflict
-- EMITS    presence.changed/1
-- INCLUDE  append users timers presence

local before = repeated()
if before then return before end
local gone = no_user()
if gone then return gone end

local state = presence_state()
state.status = status
if text ~= '' then state.text, state.ends = text, ends end
return settled(state)
