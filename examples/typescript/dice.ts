/**
 * A bot that throws dice: `/roll 2d6`. It comes back after every trouble, and hears what it missed while it was away.
 *
 * Run it with URL and API_KEY in the environment (`POST /api/v1/bots` answers the key): npx tsx examples/typescript/dice.ts
 */
import { randomInt } from 'node:crypto';
import { Client } from 'rill/client';
import type { Tidings } from 'rill/client';
import { WebSocket } from 'ws';

const { URL: url = 'http://localhost:8000', API_KEY: apiKey } = process.env;
if (!apiKey) throw new Error('Set API_KEY, as POST /api/v1/bots answers it');

const MOST = 20;

// Under the name of its device the server keeps what it has heard, so that it may be ended at any time.
const client = new Client({ url, apiKey, WebSocket, deviceId: 'dice' });

client.on('message.sent', (event) => void roll(event));
client.on('state', ({ name }) => console.log(name));
client.on('ended', () => console.log('the key is no longer good'));
client.start();

async function roll({ conversation_id, data }: Tidings['message.sent']): Promise<void> {
  const [, count = '', sides = ''] = /^\/roll ([1-9]\d?)d([1-9]\d{0,3})$/.exec(data.content) ?? [];
  if (count === '' || Number(count) > MOST) return;
  const dice = Array.from({ length: Number(count) }, () => randomInt(1, Number(sides) + 1));
  const sum = dice.reduce((a, b) => a + b, 0);
  const { sent } = client.send(conversation_id, { content: `${dice.join(' + ')} = ${sum}`, reply_to: data.message_id });
  await sent.catch((refusal: Error) => console.error(`not answered: ${refusal.message}`));
}
