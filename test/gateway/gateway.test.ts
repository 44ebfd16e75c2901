/** The gateway over real sockets, on one Redis and on a Cluster alike. What it must do stands in the suites, one for each part of a session's life. */
import { topologies, useWorld } from '../support/world.ts';
import { clockSuite } from './clock.suite.ts';
import { closingSuite } from './closing.suite.ts';
import { handshakeSuite } from './handshake.suite.ts';
import { membershipSuite } from './membership.suite.ts';
import { recoverySuite } from './recovery.suite.ts';
import { resumingSuite } from './resuming.suite.ts';
import { sessionsSuite } from './sessions.suite.ts';

for (const topology of topologies) {
  describe(`gateway on ${topology}`, () => {
    const world = useWorld(topology);
    handshakeSuite(world);
    sessionsSuite(world);
    resumingSuite(world);
    membershipSuite(world);
    closingSuite(world);
    recoverySuite(world);
    // A clock is the same on both.
    if (topology === 'one Redis') clockSuite(world);
  });
}
