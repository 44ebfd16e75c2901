-- Leaves of a view of terms, as src/views/leaf.ts writes them: which of a few documents have which terms. A leaf's first line names its
-- documents, newest first, by the events that put them: the first one whole, of each further one by how much less its ms and its seq are.
-- Then a line for each term, with one character for each document that has it: '0' for the first, and so on.

-- The newest document of a leaf: ms and seq.
local function newest_on(leaf)
  local ms, seq = string.match(leaf, '^(%d+)-(%d+)')
  return tonumber(ms), tonumber(seq)
end

-- The characters of all who have a term ('=hello'), or one that begins so ('^he').
local function having(leaf, want)
  local text = '\n' .. string.sub(want, 2)
  if string.sub(want, 1, 1) == '=' then
    local _, at = string.find(leaf, text .. ' ', 1, true)
    return at and string.match(leaf, '^[^\n]+', at + 1) or ''
  end
  local found = {}
  local _, at = string.find(leaf, text, 1, true)
  while at do
    local chars, behind = string.match(leaf, '^[^ ]* ([^\n]+)()', at + 1)
    found[#found + 1] = chars
    _, at = string.find(leaf, text, behind, true)
  end
  return table.concat(found)
end

-- Calls `take` with ms and seq of each document that has all that is wanted.
local function each_having(leaf, all_wanted, take)
  local has
  for _, want in ipairs(all_wanted) do
    local chars = having(leaf, want)
    if chars == '' then return end
    local before = has
    has = {}
    for char in string.gmatch(chars, '.') do
      if not before or before[char] then has[char] = true end
    end
    if not next(has) then return end
  end
  local ms, seq = newest_on(leaf)
  local mark = string.byte('0')
  if has['0'] then take(ms, seq) end
  for less_ms, less_seq in string.gmatch(string.match(leaf, '^[^\n]+'), ' (%d+)%.(%d+)') do
    ms, seq, mark = ms - less_ms, seq - less_seq, mark + 1
    if has[string.char(mark)] then take(ms, seq) end
  end
end
