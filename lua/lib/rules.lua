-- Which content is refused. The head's field `rules` is the id of the event that set a conversation's rules, '' where it has none. A node
-- looks at the text and says by which rules it did (`rules`) and which of them the text breaks (`broken`): `server` for one of the
-- server's, `own` for one of the conversation's, which its owner and admins need not keep. TypeScript reads it in src/chat/rules/checking.ts.

-- The refusal, or nil. One who looked by other rules than these looks again.
local function refused_text(current, rules, broken, role)
  current = current or ''
  if current ~= rules then return { 'stale', current } end
  if broken == 'server' or (broken == 'own' and role == 'member') then return { 'fail', 'content_rejected' } end
  return nil
end
