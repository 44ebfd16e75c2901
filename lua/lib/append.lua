-- The one way an event gets into a log. Needs the locals: log head feed feed_head requests_0 requests_1, request fingerprint salt
-- envelope. Owns the clock, request ids, seq, the chain, the log and the feed. All checks of a script come before its first append,
-- since Redis does not roll back. A script that includes this is run as taken.lua says, which has `taken`.

local DAY = 86400000

local function id_parts(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end

-- The partition's clock: Redis time, never below the last event's, so a clock that jumps back does no harm.
local feed_id = redis.call('HGET', feed_head, 'id') or '0-0'
local feed_ms, feed_seq = string.match(feed_id, '^(%d+)-(%d+)$')
local time = redis.call('TIME')
local now = math.max(time[1] * 1000 + math.floor(time[2] / 1000), tonumber(feed_ms))
local now_text = string.format('%.0f', now)

-- Days to a civil date by shifting the year to begin in March, so that the leap day comes last. Divides by taking the rest off first,
-- since every event asks and a function call costs more; %d cuts fractions off.
local function rfc3339(ms)
  local rest = ms % DAY
  local days = (ms - rest) / DAY + 719468
  local doe = days % 146097
  local a, b, c = doe % 1460, doe % 36524, doe % 146096
  local years = doe - (doe - a) / 1460 + (doe - b) / 36524 - (doe - c) / 146096
  local yoe = (years - years % 365) / 365
  local doy = doe - (365 * yoe + (yoe - yoe % 4) / 4 - (yoe - yoe % 100) / 100)
  local mp = (5 * doy + 2 - (5 * doy + 2) % 153) / 153
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + (days - doe) / 146097 * 400 + (month <= 2 and 1 or 0)
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, doy - (153 * mp + 2 - (153 * mp + 2) % 5) / 5 + 1,
    rest / 3600000, rest / 60000 % 60, rest / 1000 % 60, ms % 1000)
end

-- The answer to a request id that was seen before, or nil. Two generations of a day each: an id counts for 24 to 48 hours.
local function repeated()
  if request == '' then return nil end
  local seen = redis.call('HGET', requests_0, request) or redis.call('HGET', requests_1, request)
  if not seen then return nil end
  local body, id = string.match(seen, '^(%S+) (%S+)$')
  if body ~= fingerprint then return { 'fail', 'conflict', 'This request id was used for another request' } end
  if id == '0-0' then return { 'unchanged' } end
  return { 'duplicate', id }
end

local function remember(id)
  if request == '' then return end
  local day = math.floor(now / DAY)
  local generation = day % 2 == 0 and requests_0 or requests_1
  if tonumber(redis.call('HGET', generation, 'day') or '-1') ~= day then
    -- While the slot moves to another server no key can be made, so what is two days old stays for another two.
    local is_moving = type(redis.pcall('EXISTS', generation .. ':')) == 'table'
    if not is_moving then redis.call('UNLINK', generation) end
    redis.call('HSET', generation, 'day', day)
  end
  redis.call('HSET', generation, request, fingerprint .. ' ' .. id)
end

-- The answer where the state asked for is there already. A client's request id counts all the same: repeated after others changed
-- that state, it must not change it back. One that the node made (fingerprint '-') repeats within a moment or never.
local function unchanged()
  if fingerprint ~= '-' then remember('0-0') end
  return { 'unchanged' }
end

local last_id, last_seq, last_chain = nil, 0, nil
taken.log, taken.feed = log, feed

-- Reads the head: the position to append at, and the named fields, in one call. Returns the fields' values in their order.
local function read_head(...)
  local values = redis.call('HMGET', head, 'id', 'chain', ...)
  if values[1] then
    last_id = values[1]
    last_seq = tonumber(string.sub(last_id, string.find(last_id, '-', 1, true) + 1))
    last_chain = values[2]
  end
  return unpack(values, 3, 2 + select('#', ...))
end

-- Appends one event and returns its id. The log entry comes first: if it is refused (a foreign entry with a later id), nothing is
-- written yet. If the feed refuses, the log entry is taken back, so that no event is in one and not in the other.
local function append(event_type, version, data)
  last_seq = last_seq + 1
  feed_seq = feed_seq + 1
  -- What .. makes of a number takes three times as long as %d.
  local seq = string.format('%d', last_seq)
  local id = now_text .. '-' .. seq
  feed_id = string.format('%s-%d', now_text, feed_seq)
  local event = '{"id":"' .. id .. '","seq":' .. seq .. ',"at":"' .. rfc3339(now) .. '",' .. envelope .. ',"type":"' .. event_type
    .. string.format('","version":%d,"data":', version) .. data .. '}'
  local digest = redis.sha1hex(salt .. event)
  local chain = redis.sha1hex((last_chain or log) .. ' ' .. id .. ' ' .. event_type .. ' ' .. digest)
  redis.call('XADD', log, id, 'type', event_type, 'event', event, 'proof', salt .. ' ' .. digest .. ' ' .. chain)
  local fed = redis.pcall('XADD', feed, feed_id, 'type', event_type, 'event', event)
  if type(fed) == 'table' and fed.err then
    redis.call('XDEL', log, id)
    error('the feed refused the event: ' .. fed.err)
  end
  taken[#taken + 1] = feed_id .. ' ' .. event_type .. ' ' .. event
  last_id, last_chain = id, chain
  return id
end

-- Moves the heads on, with further fields of the head if given, remembers the request and answers with the event's id that names
-- the command (where it appended several). The events go to those who listen, too, on a channel with the feed's name: with fsync always
-- a server sends that after the fsync, as it does replies.
local function commit(id, ...)
  redis.call('HSET', head, 'id', last_id, 'chain', last_chain, ...)
  redis.call('HSET', feed_head, 'id', feed_id)
  for i = 1, #taken do
    redis.call(PUBLISH, feed, taken[i])
    taken[i] = nil
  end
  remember(id)
  return { 'ok', id }
end
