-- user.register   makes an account: its event, its secrets, its place in the directory and its first session, all or nothing
-- KEYS     log head account sessions conversations settings blocks devices uploads attached notified notified_at unread drafts scheduled reminders bots push webhooks deliveries deliveries_made deliveries_due users presence timers feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope claimed username email password session details welcome data entries...
-- FAIL     unavailable
-- EMITS    user.registered/1
-- INCLUDE  append sessions timers

local registered = read_head('registered')
if registered then return { 'duplicate', registered } end
-- A claim on a name may go to someone else after a minute without its user: by then it must be too late for this one. The two
-- clocks may be those of two servers, hence the half. Redis's own time counts here, not the partition's, which may be ahead.
if time[1] * 1000 - tonumber(claimed) > 30000 then return { 'fail', 'unavailable', 'This took too long: try again' } end

local id = append('user.registered', 1, data)
redis.call('HSET', account, 'username', username, 'email', email, 'password', password, 'username_entry', entries[1],
  'name_entry', entries[2])
-- A script may only name keys that exist: what may be empty gets an entry that is none.
for _, hash in ipairs({ sessions, settings, conversations, uploads, devices, notified_at, drafts, scheduled, reminders, bots, push, webhooks,
  deliveries }) do
  redis.call('HSET', hash, '-', '')
end
for _, set in ipairs({ attached, notified, unread, deliveries_made, deliveries_due }) do
  redis.call('ZADD', set, 0, '-')
end
redis.call('HSET', blocks, '-', '0 0')
redis.call('HSET', presence, 'status', 'online')
-- By its own partition's worker, so that nobody who registers waits for other partitions.
if welcome ~= '' then set_timer('welcome', string.match(log, ':([^:]+):events$'), now_text) end
new_session(session, details)
redis.call('ZADD', users, 0, entries[1], 0, entries[2])
return commit(id, 'registered', id)
