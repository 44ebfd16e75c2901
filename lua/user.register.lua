-- user.register   makes an account: its event, its secrets, its place in the directory and its first session, all or nothing
-- KEYS     log head account sessions conversations settings blocks devices uploads attached notified notified_at unread drafts scheduled reminders bots push webhooks deliveries deliveries_made deliveries_due users attachments presence present online timers feed feed_head requests_0 requests_1
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
redis.call('HSET', sessions, '-', '')
redis.call('HSET', settings, '-', '')
redis.call('HSET', conversations, '-', '')
redis.call('HSET', blocks, '-', '0 0')
redis.call('HSET', uploads, '-', '')
redis.call('ZADD', attached, 0, '-')
redis.call('ZADD', attachments, 0, '-')
redis.call('HSET', devices, '-', '')
redis.call('ZADD', notified, 0, '-')
redis.call('ZADD', unread, 0, '-')
redis.call('HSET', notified_at, '-', '')
redis.call('HSET', drafts, '-', '')
redis.call('HSET', scheduled, '-', '')
redis.call('HSET', reminders, '-', '')
redis.call('HSET', bots, '-', '')
redis.call('HSET', push, '-', '')
redis.call('HSET', webhooks, '-', '')
redis.call('HSET', deliveries, '-', '')
redis.call('ZADD', deliveries_made, 0, '-')
redis.call('ZADD', deliveries_due, 0, '-')
redis.call('HSET', presence, 'status', 'online')
redis.call('ZADD', present, 0, '-')
redis.call('ZADD', online, 0, '-')
redis.call('ZADD', timers, '+inf', '-')
-- By its own partition's worker, so that nobody who registers waits for other partitions.
if welcome ~= '' then set_timer('welcome', string.match(log, ':([^:]+):events$'), now_text) end
new_session(session, details)
redis.call('ZADD', users, 0, entries[1], 0, entries[2])
return commit(id, 'registered', id)
