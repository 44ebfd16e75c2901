-- view.terms   where documents may be that have all that is wanted, newest first, as far as one look goes; and the newest document that it
--              did not come to: none where it came to the end
-- KEYS     head log views...
-- ARGV     below before least since most missing wanted...
-- FAIL     -
-- EMITS    -
-- FLAGS    no-writes
-- INCLUDE  view leaf

local bound, fresh, added = views[2], views[3], views[4]
-- Leaves are copied to be looked at, and nobody else is served meanwhile: a look takes a millisecond or two.
local MOST_BYTES, MOST_CHANGED = 1000000, 2000
below, before, least, since, most = tonumber(below), tonumber(before), tonumber(least), tonumber(since), tonumber(most)

local found, count, bytes, stop = {}, 0, 0, nil
local function take(ms, seq)
  if found[seq] or seq >= below or ms >= before or seq < least or ms < since then return end
  found[seq], count = string.format('%.0f-%.0f', ms, seq), count + 1
end

for _, leaf in ipairs(redis.call('ZRANGEBYSCORE', fresh, 0, '+inf')) do each_having(leaf, wanted, take) end

-- Before all leaves lies what keeps the key in being. The rank of the first bound leaf that ends no earlier than what is looked for.
local rank = redis.call('ZCOUNT', bound, '-inf', '(' .. below)
local low = 1
while before < math.huge and low < rank do
  local middle = math.floor((low + rank) / 2)
  if newest_on(redis.call('ZRANGE', bound, middle, middle)[1]) < before then low = middle + 1 else rank = middle end
end
while rank >= 1 and not stop do
  local leaf = redis.call('ZRANGE', bound, rank, rank)[1]
  if leaf then
    local ms, seq = newest_on(leaf)
    if seq < least or ms < since then break end
    if count >= most or bytes >= MOST_BYTES then stop = { ms, seq } end
    if not stop then each_having(leaf, wanted, take) end
    bytes = bytes + #leaf
  end
  rank = rank - 1
end

-- What was changed stands beside the leaves, by the place of what it changed; some of what is wanted no change can alter.
local changeable = {}
for _, want in ipairs(wanted) do
  if not string.find(want, '^=[@#]') then changeable[#changeable + 1] = want end
end
if #changeable > 0 then
  local from, to = '(' .. below, stop and '(' .. stop[2] or least
  local cut = redis.call('ZREVRANGEBYSCORE', added, from, to, 'LIMIT', MOST_CHANGED, 1)[1]
  if cut then
    local ms, seq = newest_on(cut)
    local _, newest = newest_on(redis.call('ZREVRANGEBYSCORE', added, from, to, 'LIMIT', 0, 1)[1])
    -- What was changed that often is looked at whole: the next look must begin before it.
    if newest == seq then seq = seq - 1 end
    stop, to = { ms, seq }, '(' .. seq
  end
  for _, leaf in ipairs(redis.call('ZREVRANGEBYSCORE', added, from, to)) do each_having(leaf, changeable, take) end
end

local seqs, rows = {}, {}
for seq in pairs(found) do seqs[#seqs + 1] = seq end
table.sort(seqs, function(a, b) return a > b end)
for i, seq in ipairs(seqs) do
  if stop and seq <= stop[2] then break end
  rows[2 * i - 1], rows[2 * i] = found[seq], seq
end
local reply = answer(rows)
reply[8] = stop and string.format('%.0f-%.0f', stop[1], stop[2]) or ''
return reply
