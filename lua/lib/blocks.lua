-- Who blocked whom, as one user's key tells it. Needs the local: blocks. A value is two marks, the own and the other user's: `+<event id>`
-- of the block, `-<event id>` of its end, '0' for none ever. TypeScript reads it in src/chat/blocks/pairs.ts.

local function blocks_of(user)
  local own, theirs = string.match(redis.call('HGET', blocks, user) or '0 0', '^(%S+) (%S+)$')
  return own, theirs
end

local function set_blocks(user, own, theirs)
  redis.call('HSET', blocks, user, own .. ' ' .. theirs)
end

local function is_block(mark)
  return string.sub(mark, 1, 1) == '+'
end
