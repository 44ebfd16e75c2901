-- device.open   a device of the user connects: a new one is registered, and where that is one too many the one not seen for longest goes.
--               Answers the event by which it was registered
-- KEYS     log head devices feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope device
-- FAIL     not_found
-- EMITS    device.registered/1
-- INCLUDE  append users devices

local gone = no_user()
if gone then return gone end
local known = device_of(device)
if known then
  set_device(device, known.event, now)
  return { 'duplicate', known.event }
end

local oldest, count = oldest_device()
if count >= MOST_DEVICES then drop_device(oldest) end
local id = append('device.registered', 1, '{"device_id":"' .. device .. '"}')
set_device(device, id, now)
return commit(id)
