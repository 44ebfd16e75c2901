-- Publishes a signal of the script's own stream. Needs the locals: log, and `signals`, an argument that the node fills in: by which
-- command and on which channel. The channel is no key, so it may not stand among KEYS. Signals leave last, when all is written.

local function signal(actor, json)
  local command, channel = string.match(signals, '^(%S+) (%S+)$')
  local kind, id = string.match(log, ':(%a+):([^:]+):events$')
  redis.call(command, channel, kind .. ' ' .. id .. ' ' .. actor .. ' ' .. json)
end
