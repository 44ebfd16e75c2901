-- Around a script that appends. What it has appended and not committed yet stands in `taken`, as it is to be told: `<feed id> <type> <event>`;
-- with the keys of the log and the feed. All else of the script is within `act`, since a function that others are defined around is dear.
local taken = {}

-- The answer of what a script does. Where it breaks between an append and its commit, because another program has put something else in
-- the place of one of its keys, no event stays that the heads do not know of: it would stand in the way of every other of the partition.
local function ended(done, answer)
  if done then return answer end
  for i = 1, #taken do
    local feed_id, id = string.match(taken[i], '^(%S+) %S+ {"id":"([^"]+)"')
    redis.call('XDEL', taken.log, id)
    redis.call('XDEL', taken.feed, feed_id)
  end
  error(answer, 0)
end
