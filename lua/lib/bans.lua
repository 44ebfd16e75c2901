-- Who is kept out of a conversation: the head's field `ban <user>`, whose value is `<until> <reason>`: ms of the end or '-', and the reason as
-- JSON, which is not looked into. Needs the local: head, and what append.lua defines. TypeScript reads it in src/chat/bans/guard.ts.

local function ban_of(user)
  return redis.call('HGET', head, 'ban ' .. user)
end

local function is_banned(user)
  local ban = ban_of(user)
  local ends = ban and string.match(ban, '^(%S+) ')
  return ban and (ends == '-' or now < tonumber(ends))
end
