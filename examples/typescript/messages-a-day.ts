/**
 * Writes a CSV file a day: when, where and by whom each message was sent, and how long it was. Run it beside the server with REDIS_URL,
 * REDIS_CLUSTER_NODES or DATA_DIR as the server has them:
 *
 *     npx tsx examples/typescript/messages-a-day.ts FOLDER
 *
 * It may be stopped for as long as one likes, and several may run at once. After a crash some lines may stand twice: conversation and seq
 * name a message.
 */
import { appendFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createConsumer } from 'rill/consumer';

const folder = process.argv[2] ?? '.';
mkdirSync(folder, { recursive: true });

const consumer = await createConsumer({
  name: 'messages-a-day',
  types: ['message.sent'],
  onEvents(events) {
    for (const { at, seq, conversation_id, actor_id, data } of events) {
      const file = join(folder, `${at.slice(0, 10)}.csv`);
      if (!existsSync(file)) appendFileSync(file, 'at,conversation,seq,sender,characters\n');
      const { content } = data as { content: string };
      appendFileSync(file, `${[at, conversation_id, seq, actor_id, content.length].join()}\n`);
    }
  },
});
process.once('SIGINT', () => void consumer.stop());
process.stdout.write(`${await consumer.lag()} events to come to\n`);
