-- Reads of a collection, all of one instant. Needs the locals head log views missing: views[1] is the collection's index and views[2]
-- its documents by order. A reader gets, with the documents, how far the view is, the stream's last event, and where the view is
-- behind, at most `missing` entries of the log after it; 0 for whoever has no use for them. Last which documents may lie in files.

local index, docs = views[1], views[2]
local position = redis.call('HMGET', index, 'applied', 'archived')
local applied, archived = position[1] or '0-0', position[2] or ''
local last = redis.call('HGET', head, 'id')

-- Takes what ZRANGE answered with scores: the scores go out as one text, which costs the reader far less than a reply each.
local function answer(rows)
  local found, orders = {}, {}
  for i = 1, #rows, 2 do
    found[#found + 1] = rows[i]
    orders[#orders + 1] = rows[i + 1]
  end
  local behind = {}
  if last and last ~= applied and missing ~= '0' then behind = redis.call('XRANGE', log, '(' .. applied, '+', 'COUNT', missing) end
  return { 'ok', applied, last or '', table.concat(orders, ' '), found, behind, archived }
end
