/** What sockets get where published messages are lost, late or doubled, and nobody is told: the same as ever, since the feeds say what there is. */
import { breakPush, troubles } from '../support/push-trouble.ts';
import { topologies, useWorld } from '../support/world.ts';
import { membershipSuite } from './membership.suite.ts';
import { recoverySuite } from './recovery.suite.ts';
import { resumingSuite } from './resuming.suite.ts';
import { sessionsSuite } from './sessions.suite.ts';

for (const topology of topologies) {
  for (const trouble of topology === 'one Redis' ? troubles : troubles.slice(-1)) {
    describe(`gateway on ${topology} where what is published is ${trouble}`, () => {
      const world = useWorld(topology);
      let mend: () => void;
      before(() => {
        mend = breakPush(trouble);
      });
      after(() => mend());
      membershipSuite(world);
      resumingSuite(world);
      if (trouble === 'short of every third') {
        sessionsSuite(world);
        recoverySuite(world);
      }
    });
  }
}
