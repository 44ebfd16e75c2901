-- member.marks   how far the members of a conversation are, as one: the lowest seq delivered and read; none where they are many, or one
-- KEYS     members
-- ARGV     except...
-- FAIL     -
-- EMITS    -
-- FLAGS    no-writes
-- INCLUDE  members

if are_many() then return { 'ok', 'many', 0, 0 } end
local left_out = {}
for _, user in ipairs(except) do left_out[user] = true end
local count, delivered, read = 0, math.huge, math.huge
local all = redis.call('HGETALL', members)
for i = 1, #all, 2 do
  if not left_out[all[i]] then
    local read_to, delivered_to = string.match(all[i + 1], '^%S+ %S+ %S+ %d+%-(%d+) (%d+)')
    count = count + 1
    delivered = math.min(delivered, tonumber(delivered_to))
    read = math.min(read, tonumber(read_to))
  end
end
if count < 2 then return { 'ok', 'few', 0, 0 } end
return { 'ok', 'few', delivered, read }
