/** Suites that must answer alike whether a projector runs beside the node or none at all; and waiting until one has caught up. */
import { until } from '../../src/redis/redis-server.ts';
import { useNodes } from './server.ts';
import type { Node } from './server.ts';
import { useWorld } from './world.ts';
import type { World } from './world.ts';

export const withAndWithoutProjector = {
  'with a projector': {},
  'with no projector': { ROLES: 'api,gateway' },
} as const;

/** Runs a suite twice, each test with a fresh node of its own. */
export function inBothWays(title: string, suite: (node: () => Node, world: World) => void): void {
  for (const [how, settings] of Object.entries(withAndWithoutProjector)) {
    describe(`${title} ${how}`, () => {
      const world = useWorld();
      const startNode = useNodes(world);
      let node: Node;
      beforeEach(async () => {
        node = await startNode(settings);
      });
      suite(() => node, world);
    });
  }
}

/** Resolves when the views hold everything that is in the feeds now. */
export async function projected({ log }: World): Promise<void> {
  const { keys, connection } = log;
  for (let p = 0; p < keys.partitions; p += 1) {
    const head = await connection.commands.hget(keys.at(p, 'feed_head'), 'id');
    if (head === null) continue;
    const seqOf = (id: string | null) => Number((id ?? '0-0').split('-')[1]);
    await until(`partition ${p} is projected`, async () => {
      return seqOf(await connection.commands.hget(keys.at(p, 'checkpoints'), 'views')) >= seqOf(head);
    });
  }
}
