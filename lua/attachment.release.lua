-- attachment.release   a message is gone, and with it each file that no other message carries
-- KEYS     log head uploads attached attachments timers feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor attachment use
-- FAIL     -
-- EMITS    attachment.removed/1
-- FLAGS    allow-oom
-- INCLUDE  append attachments timers removing

local use = attachment .. ' ' .. use
local was_used = redis.call('ZREM', attached, use, use .. ' ?') > 0
local upload = upload_of(attachment)
if not was_used or not upload or is_used(attachment) then return { 'unchanged' } end
return remove_upload(attachment, upload)
