-- archive.recall   facts of messages that left Redis are there again, for the script that asks for them; what came since stays
-- KEYS     messages
-- ARGV     ids_and_facts...
-- FAIL     -
-- EMITS    -

for i = 1, #ids_and_facts, 2 do redis.call('HSETNX', messages, ids_and_facts[i], ids_and_facts[i + 1]) end
return { 'ok' }
