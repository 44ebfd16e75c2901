-- user.delete   ends an account: its sessions, its secrets, its place in the directory; its name stays taken, its log stays. `erase` '1':
--               a timer follows that empties what the user wrote
-- KEYS     log head account sessions settings devices drafts scheduled reminders push webhooks deliveries deliveries_made deliveries_due users presence online timers feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor proved erase
-- FAIL     wrong_credentials conflict
-- EMITS    session.ended/1 user.deleted/1 presence.changed/1
-- FLAGS    allow-oom
-- INCLUDE  append sessions timers presence

local before = repeated()
if before then return before end
local deleted = read_head('deleted')
if deleted then return { 'duplicate', deleted } end
local password, username_entry, name_entry = unpack(redis.call('HMGET', account, 'password', 'username_entry', 'name_entry'))
if password ~= proved then return { 'fail', 'wrong_credentials', 'The password is wrong' } end

end_sessions('account_deleted')
local state = presence_state()
state.open, state.left, state.status, state.text, state.ends = 0, '', 'online', 'null', ''
settle(state)
local id = append('user.deleted', 1, '{}')
redis.call('ZREM', users, username_entry, name_entry)
redis.call('UNLINK', account, sessions, settings, devices, drafts, scheduled, reminders, push, webhooks, deliveries, deliveries_made,
  deliveries_due, presence)
if erase == '1' then set_timer('erasing', actor, now) end
return commit(id, 'deleted', id)
