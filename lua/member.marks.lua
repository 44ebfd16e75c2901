-- member.marks   how far all members of a conversation are, as one: the lowest seq delivered and read; none where they are many or one
-- KEYS     members
-- ARGV     -
-- FAIL     -
-- EMITS    -
-- FLAGS    no-writes
-- INCLUDE  members

if are_many() then return { 'ok', 'many', 0, 0 } end
local all = redis.call('HVALS', members)
if #all < 2 then return { 'ok', 'few', 0, 0 } end
local delivered, read = math.huge, math.huge
for _, value in ipairs(all) do
  local read_to, delivered_to = string.match(value, '^%S+ %S+ %S+ %d+%-(%d+) (%d+)')
  delivered = math.min(delivered, tonumber(delivered_to))
  read = math.min(read, tonumber(read_to))
end
return { 'ok', 'few', delivered, read }
