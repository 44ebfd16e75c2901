-- block.mirror   what another user did is kept beside one's own, so that one look tells both; an older word changes nothing
-- KEYS     blocks
-- ARGV     user mark
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  ids blocks

local own, theirs = blocks_of(user)
if theirs == '0' or is_before(string.sub(theirs, 2), string.sub(mark, 2)) then set_blocks(user, own, mark) end
return { 'ok' }
