-- block.add   a user blocks another; who is blocked is told nothing
-- KEYS     log head blocks feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope user
-- FAIL     conflict
-- EMITS    block.added/1
-- INCLUDE  append blocks

local before = repeated()
if before then return before end
local own, theirs = blocks_of(user)
if is_block(own) then return unchanged() end

read_head()
local id = append('block.added', 1, '{"user_id":"' .. user .. '"}')
set_blocks(user, '+' .. id, theirs)
return commit(id)
