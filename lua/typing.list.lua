-- typing.list   who of a conversation's members is typing, each with the ms at which it ends, the first to end first
-- KEYS     log members typing
-- ARGV     -
-- FAIL     -
-- EMITS    -
-- FLAGS    no-writes
-- INCLUDE  clock typing

local found = { 'ok' }
local clock = redis_ms()
local all = redis.call('ZRANGEBYSCORE', typing, '(' .. clock, clock + TYPING_MS, 'WITHSCORES')
for i = 1, #all, 2 do
  local where, user = string.match(all[i], '^(%S+) (%S+)$')
  if where == conversation and redis.call('HEXISTS', members, user) == 1 then
    found[#found + 1] = user
    found[#found + 1] = all[i + 1]
  end
end
return found
