-- attachment.delete   whoever uploaded a file takes it away, which no message carries or is about to
-- KEYS     log head uploads attached attachments timers feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor attachment
-- FAIL     not_found conflict
-- EMITS    attachment.removed/1
-- FLAGS    allow-oom
-- INCLUDE  append attachments timers removing

local before = repeated()
if before then return before end
local upload = upload_of(attachment)
if not upload then return { 'fail', 'not_found', 'There is no such attachment' } end
if is_used(attachment) then return { 'fail', 'conflict', 'A message carries it: delete that' } end
return remove_upload(attachment, upload)
