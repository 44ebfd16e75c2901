-- rules.change   sets which content a conversation refuses. data '' is what it is already; state 'none' refuses nothing
-- KEYS     log head members feed feed_head requests_0 requests_1
-- ARGV     request fingerprint salt envelope actor state data
-- FAIL     not_found forbidden conflict
-- EMITS    rules.changed/1
-- INCLUDE  append members

local before = repeated()
if before then return before end
local member = member_of(actor)
local kind, archived, deleted = read_head('kind', 'archived', 'deleted')
if not member or deleted then return GONE end
if kind == 'direct' then return { 'fail', 'forbidden', 'A direct conversation has no rules' } end
if not is_admin(member) then return { 'fail', 'forbidden', 'Only admins may change this' } end
if archived == '1' then return ARCHIVED end
if data == '' then return unchanged() end

local id = append('rules.changed', 1, data)
return commit(id, 'rules', state == 'none' and '' or id)
