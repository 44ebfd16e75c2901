-- attachment.upload   a user has uploaded a file, whose bytes are kept already; where no message carries it, it goes after keep_ms
-- KEYS     log head uploads attached attachments timers feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor attachment keep_ms data
-- FAIL     not_found conflict
-- EMITS    attachment.uploaded/1
-- INCLUDE  append users attachments timers

local before = repeated()
if before then return before end
local earlier = upload_of(attachment)
if earlier then return { 'duplicate', earlier.event } end
local gone = no_user()
if gone then return gone end

local id = append('attachment.uploaded', 1, data)
redis.call('HSET', uploads, attachment, id .. ' ' .. data)
redis.call('ZADD', attachments, 0, attachment .. '\n' .. actor)
set_timer('attachment', attachment, now + keep_ms)
return commit(id)
