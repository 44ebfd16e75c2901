-- attachment.settle   when an upload's timer is due: of messages that were on their way to carry it, which came (`+`), which did not (`-`) and
--                     which are planned (`=`). One that no message carries goes keep_ms after it was uploaded
-- KEYS     log head uploads attached attachments timers feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor attachment keep_ms uses_and_words...
-- FAIL     -
-- EMITS    attachment.removed/1
-- FLAGS    allow-oom
-- INCLUDE  append clock attachments timers removing

local upload = upload_of(attachment)
if not take_timer('attachment', attachment) or not upload then return { 'unchanged' } end
local is_planned = false
for i = 1, #uses_and_words, 2 do
  local use, word = attachment .. ' ' .. uses_and_words[i], uses_and_words[i + 1]
  if word == '=' then
    is_planned = true
  elseif redis.call('ZREM', attached, use .. ' ?') == 1 and word == '+' then
    redis.call('ZADD', attached, 0, use)
  end
end
if is_planned then set_timer('attachment', attachment, now + keep_ms) end
if is_used(attachment) then return { 'unchanged' } end
local ends = id_parts(upload.event) + keep_ms
if ends <= now then return remove_upload(attachment, upload) end
set_timer('attachment', attachment, ends)
return { 'unchanged' }
