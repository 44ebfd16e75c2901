-- projector.build   writes to a view that nobody follows the feed with, as one that is built beside another: no checkpoint moves. An old fence
--                   and writes to a view that is not what they continue are refused
-- KEYS     leases parked views...
-- ARGV     group worker fence rest...
-- FAIL     -
-- EMITS    -
-- FLAGS    allow-oom
-- INCLUDE  writes

if not holds_lease(leases, group, worker, fence) then return { 'fenced' } end
if not carry_out(rest, parked, views) then return { 'elsewhere' } end
return { 'ok' }
