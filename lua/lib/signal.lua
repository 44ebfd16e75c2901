-- Publishes a signal of the script's own stream. Needs the locals: log, and `signals`, an argument that the node fills in: on which
-- channel. The channel is no key, so it may not stand among KEYS. Signals leave last, when all is written.

local function signal(actor, json)
  local kind, id = string.match(log, ':(%a+):([^:]+):events$')
  redis.call(PUBLISH, signals, kind .. ' ' .. id .. ' ' .. actor .. ' ' .. json)
end
