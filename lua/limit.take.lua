-- limit.take   charges allowances of one subject with what was done already, and takes of each what is asked for, as far as there is room
-- KEYS     self
-- ARGV     asked...
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  clock

-- `asked` is five words for each allowance: its name, how many in how many ms, how many were done already, how many are asked for. The
-- answer is three numbers for each: granted, left after that, ms until there is room for one more.
--
-- GCRA: a field holds the one moment at which all of the allowance is there again. Each time moves it on by its share of the period, and
-- there is room as long as it lies less than a period ahead. One key holds all of a subject, and goes when nothing is taken any more.
-- Room in memory is no condition: a refusal would keep people from deleting and leaving, too.
local now = redis_ms()
local answer, latest = { 'ok' }, 0
for i = 1, #asked, 5 do
  local name, most, period = asked[i], tonumber(asked[i + 1]), tonumber(asked[i + 2])
  local done, wanted = tonumber(asked[i + 3]), tonumber(asked[i + 4])
  local share = period / most
  -- What nodes let pass too much is paid back, but after a clock that jumped back nobody waits for longer than that.
  local whole_at = math.min(tonumber(redis.call('HGET', self, name) or '0'), now + 2 * period)
  whole_at = math.max(whole_at, now) + done * share
  local function room() return math.floor((now + period - whole_at) / share + 0.001) end
  local granted = math.max(0, math.min(wanted, room()))
  whole_at = whole_at + granted * share
  if done + granted > 0 then
    redis.call('HSET', self, name, string.format('%.3f', whole_at))
    latest = math.max(latest, whole_at)
  end
  table.insert(answer, granted)
  table.insert(answer, room())
  table.insert(answer, math.max(0, math.ceil(whole_at + share - period - now)))
end
if latest - now > redis.call('PTTL', self) then redis.call('PEXPIRE', self, math.ceil(latest - now)) end
return answer
