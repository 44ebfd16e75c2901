-- How an upload goes. Needs the locals: attachments actor, and what append.lua, attachments.lua and timers.lua define.

local function remove_upload(attachment, upload)
  read_head()
  local id = append('attachment.removed', 1, '{"attachment_id":"' .. attachment .. '","uploaded":"' .. upload.event .. '"}')
  redis.call('HDEL', uploads, attachment)
  redis.call('ZREM', attachments, attachment .. '\n' .. actor)
  clear_timer('attachment', attachment)
  return commit(id)
end
