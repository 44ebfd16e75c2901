/**
 * The product's peer: socket.io with its Redis Streams adapter, as its documentation sets it up. Each message is in its room's stream
 * before its ack, and whoever lost the connection gets what they missed by connection state recovery. It asks for no token and knows no
 * member, no role and no read model. Rooms come from the address: `/socket.io/?room=7`. `/messages?room=7` is a page of the room's stream.
 */
import { createServer } from 'node:http';
import { createAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';

const PAGE = 50;
const redis = new Redis(process.env.REDIS_URL);
const http = createServer();
const io = new Server(http, {
  adapter: createAdapter(redis),
  connectionStateRecovery: { maxDisconnectionDuration: 600_000 },
  perMessageDeflate: false,
});

io.on('connection', (socket) => {
  if (!socket.recovered) void socket.join(socket.handshake.query.room);
  socket.on('message.send', async ({ room, ...message }, ack) => {
    message.at = new Date().toISOString();
    const id = await redis.xadd(`room:${room}`, '*', 'message', JSON.stringify(message));
    io.to(room).emit('message.sent', { id, ...message });
    ack({ id });
  });
});

http.on('request', (request, response) => void answer(request, response));

async function answer(request, response) {
  const url = new URL(request.url, 'http://localhost');
  if (url.pathname !== '/messages') return;
  const before = url.searchParams.get('cursor') || '+';
  const entries = await redis.xrevrange(`room:${url.searchParams.get('room')}`, before, '-', 'COUNT', PAGE);
  const items = entries.map(([id, [, message]]) => ({ id, ...JSON.parse(message) }));
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify({ items, next_cursor: items.length === PAGE ? `(${items.at(-1).id}` : '' }));
}

http.listen(0, '127.0.0.1', () => process.stdout.write(`port ${http.address().port}\n`));
