-- block.remove   a user takes a block back; it stays where the other one blocked too
-- KEYS     log head blocks feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope user
-- FAIL     conflict
-- EMITS    block.removed/1
-- FLAGS    allow-oom
-- INCLUDE  append blocks

local before = repeated()
if before then return before end
local own, theirs = blocks_of(user)
if not is_block(own) then return unchanged() end

read_head()
local id = append('block.removed', 1, '{"user_id":"' .. user .. '"}')
set_blocks(user, '-' .. id, theirs)
return commit(id)
