/**
 * The yardstick: a bare `ws` server that stores nothing. Whatever a client sends, it answers with a small ack and writes one prebuilt
 * frame of the product's event size to all sockets of the sender's room. Rooms come from the address: `/?room=7`.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { textFrame } from '../../src/gateway/outbox.ts';

const event = textFrame(Buffer.alloc(Number(process.argv[2] ?? 480), 0x61));
const ack = textFrame('{"type":"ack","id":"1","data":{}}');
const rooms = new Map<string, Set<Duplex>>();
const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, clientTracking: false });
const http = createServer();

http.on('upgrade', (request, socket, head) => {
  const room = new URL(request.url ?? '/', 'http://localhost').searchParams.get('room') ?? '';
  server.handleUpgrade(request, socket, head, (ws) => {
    const members = rooms.get(room) ?? new Set<Duplex>();
    rooms.set(room, members.add(socket));
    ws.on('message', () => {
      socket.write(ack);
      for (const member of members) member.write(event);
    });
    ws.on('close', () => members.delete(socket));
  });
});
http.listen(0, '127.0.0.1', () => process.stdout.write(`port ${(http.address() as AddressInfo).port}\n`));
