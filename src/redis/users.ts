/**
 * Who may do what in Redis beside the server: people who look after it, and programs that read along. `deploy/redis/users.acl` says the same
 * for a Redis of one's own. Refuses to trust in good behaviour: whoever may only read has no command that writes, in a script neither.
 */
import { createHash } from 'node:crypto';

export const RULES = {
  /** The server: everything in its own keys, and no administration. */
  app: '~chat:* &chat:* +@all -@admin -@dangerous +info +config|get',
  /** Reads everything of ours, runs scripts that only read, and looks at the server's state. */
  operator:
    '~chat:* &chat:* +@read +@connection -@admin -@dangerous +time +info +config|get +slowlog|get +slowlog|len +latency|latest +latency|history +memory|stats ' +
    '+client|list +cluster|slots +cluster|shards +cluster|info +cluster|nodes +eval +evalsha +script|load +script|exists +subscribe +ssubscribe +psubscribe',
  /** Reads the feeds and nothing else, with consumer groups. Redis knows no permission for a single group. */
  analytics:
    '~chat:{*}:feed resetchannels +@connection -@admin -@dangerous +time +xinfo +xlen +xrange +xrevrange +xread +xreadgroup +xack +xpending +xclaim ' +
    '+xautoclaim +xgroup|create +xgroup|createconsumer +xgroup|delconsumer',
} as const;

/** A line of redis.conf or of an ACL file; the password stands in it by its hash. */
export function userLine(name: keyof typeof RULES, password: string): string {
  return `user ${name} on #${createHash('sha256').update(password).digest('hex')} ${RULES[name]}`;
}
