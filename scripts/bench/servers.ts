/** The three servers as a load sees them: rooms with sockets in them, one command that sends a message, and how to ask for a page. */
import { commandFrame } from '../../src/client/frames.ts';
import { makeRoom, makeUsers } from './people.ts';
import { startBare, startPeer, startProduct } from './processes.ts';
import type { Target } from './processes.ts';
import { SwarmSocket } from './swarm.ts';

export interface Room {
  readonly sockets: SwarmSocket[];
  /** The frame that sends a message of 100 characters. */
  readonly command: string;
}

export interface Rooms {
  readonly target: Target;
  readonly rooms: readonly Room[];
}

export type ServerName = 'rill' | 'socket.io' | 'bare';

const TEXT = 'x'.repeat(100);
const WS = '/api/v1/ws';

const productCommand = (room: string): string =>
  commandFrame('message.send', { id: '1', data: { conversation_id: room, content: TEXT } });

/** As many bytes as the product's event has: an application's message carries who, when, and what kind. */
const peerCommand = (room: string): string =>
  `421${JSON.stringify(['message.send', { room, content: TEXT, ...APPLICATION }])}`;
const APPLICATION = {
  message_id: '01K00000000000000000000000',
  sender_id: '01K00000000000000000000000',
  message_type: 'text',
  reply_to: null,
  attachments: [],
  mentions: [],
  metadata: {},
  request_id: '01K00000000000000000000000',
  conversation_id: '01K00000000000000000000000',
};

export const peerPath = (room: string): string => `/socket.io/?EIO=4&transport=websocket&room=${room}`;

/** A socket of the peer that is in its room. */
export async function openPeerSocket(port: number, room: string, auth: object = {}): Promise<SwarmSocket> {
  const socket = await SwarmSocket.open(port, peerPath(room), { dialect: 'socket.io' });
  socket.send(`40${JSON.stringify(auth)}`);
  await socket.until(() => socket.session !== '');
  return socket;
}

const openers: Record<ServerName, (count: number, members: number) => Promise<Rooms>> = {
  async rill(count, members) {
    const target = await startProduct();
    const users = await makeUsers(target, count * members);
    const rooms: Room[] = [];
    for (let r = 0; r < count; r += 1) {
      const inRoom = users.slice(r * members, (r + 1) * members);
      const id = await makeRoom(target, inRoom);
      const sockets = await Promise.all(
        inRoom.map(({ token }) => SwarmSocket.open(target.port, WS, { token, dialect: 'rill' })),
      );
      await Promise.all(sockets.map((socket) => socket.until(() => socket.frames >= 1)));
      rooms.push({ sockets, command: productCommand(id) });
    }
    return { target, rooms };
  },
  async 'socket.io'(count, members) {
    const target = await startPeer();
    const rooms: Room[] = [];
    for (let r = 0; r < count; r += 1) {
      const sockets = await Promise.all(Array.from({ length: members }, () => openPeerSocket(target.port, String(r))));
      rooms.push({ sockets, command: peerCommand(String(r)) });
    }
    return { target, rooms };
  },
  async bare(count, members) {
    const target = await startBare('bare-ws');
    const open = (r: number) => SwarmSocket.open(target.port, `/?room=${r}`, { dialect: 'bare' });
    const rooms = await Promise.all(
      Array.from({ length: count }, async (_, r) => ({
        sockets: await Promise.all(Array.from({ length: members }, () => open(r))),
        command: productCommand(String(r)),
      })),
    );
    return { target, rooms };
  },
};

export const openRooms = (server: ServerName, count: number, members: number): Promise<Rooms> =>
  openers[server](count, members);

export async function closeRooms({ rooms, target }: Rooms): Promise<void> {
  for (const { sockets } of rooms) for (const socket of sockets) socket.close();
  await target.stop();
}

/** A socket that does nothing; for the product that is one of some users'. */
export async function openIdle(server: ServerName, target: Target, token: string): Promise<SwarmSocket> {
  if (server === 'socket.io') return openPeerSocket(target.port, 'idle');
  if (server === 'bare') return SwarmSocket.open(target.port, '/?room=idle', { dialect: 'bare' });
  const socket = await SwarmSocket.open(target.port, WS, { token, dialect: 'rill' });
  await socket.until(() => socket.frames >= 1);
  return socket;
}

const OPENED_AT_ONCE = 100;

/** Sockets, a hundred at once. */
export async function openMany(count: number, open: (i: number) => Promise<SwarmSocket>): Promise<SwarmSocket[]> {
  const sockets: SwarmSocket[] = [];
  while (sockets.length < count) {
    const from = sockets.length;
    const some = Math.min(OPENED_AT_ONCE, count - from);
    sockets.push(...(await Promise.all(Array.from({ length: some }, (_, i) => open(from + i)))));
  }
  return sockets;
}
