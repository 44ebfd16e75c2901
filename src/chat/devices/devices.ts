/**
 * How far each device of a user has got, for clients that keep nothing themselves: the last event of each stream that has reached it, which
 * is where its next socket goes on. The gateway knows what reached a socket; here it is written now and then and at the socket's end, so
 * that a message costs no write. A node that dies takes the last seconds of that along, and the device gets them again.
 */
import { eventId } from '../../envelope.ts';
import { conversationStream, userStream } from '../../keys.ts';
import type { Log } from '../../log/log.ts';
import { seqOf } from '../../log/log.ts';
import { parseMember } from '../access.ts';
import type { Feature, OpenSocket } from '../feature.ts';
import type { Devices } from '../services.ts';
import { DeviceRegistered } from './contract.ts';

export const devices: Feature = {
  events: [DeviceRegistered],
  serve: (deps) => ({ sessions: deps.devices }),
};

/** Marks that one script writes. */
const MARKS = 500;

type Marks = ReadonlyMap<string, string>;

export class DeviceMarks implements Devices {
  private readonly log: Log;
  /** Sockets on this node, by user and device. */
  private readonly open = new Map<string, Set<OpenSocket>>();
  /** What was written of a socket last. */
  private readonly written = new WeakMap<OpenSocket, Marks>();

  constructor(log: Log) {
    this.log = log;
  }

  async marks(socket: OpenSocket, heads: Marks): Promise<Marks> {
    const { userId } = socket.caller;
    const { deviceId: device = '' } = socket;
    // One that the device has lost may not know that yet.
    await Promise.all([...(this.open.get(nameOf(socket)) ?? [])].map((other) => this.save(other)));
    const stream = userStream(userId);
    const opening = { script: 'device.open', stream, actorId: userId, knowsRepeats: true as const, args: { device } };
    const registered = await this.log.append(opening);
    // What was there before the device is nothing that it missed.
    if (registered.status === 'ok') return new Map();
    const ids = [userId, ...heads.keys()];
    const found = await this.log.guardFields(
      stream,
      'devices',
      ids.map((id) => `${device} ${id}`),
    );
    const known = new Map(ids.flatMap((id, i) => (found[i] ? [[id, found[i]] as const] : [])));
    this.written.set(socket, known);
    const missing = ids.filter((id) => !known.has(id));
    const begun = await Promise.all(
      missing.map(async (id) => (id === userId ? registered.id : this.beginning(userId, id, registered.id))),
    );
    return new Map([...known, ...missing.flatMap((id, i) => (begun[i] ? [[id, begun[i]] as const] : []))]);
  }

  async opened(socket: OpenSocket): Promise<void> {
    if (socket.deviceId === undefined) return;
    const name = nameOf(socket);
    this.open.set(name, (this.open.get(name) ?? new Set()).add(socket));
    await this.save(socket);
  }

  async renewed(sockets: readonly OpenSocket[]): Promise<void> {
    await Promise.all(sockets.map((socket) => this.save(socket)));
  }

  async closed(socket: OpenSocket): Promise<void> {
    const name = nameOf(socket);
    const others = this.open.get(name);
    others?.delete(socket);
    if (others?.size === 0) this.open.delete(name);
    await this.save(socket);
  }

  /** Where a device begins in a conversation of which it has no mark: where the user came in, or where it was registered itself. */
  private async beginning(userId: string, id: string, registered: string): Promise<string | undefined> {
    const stream = conversationStream(id);
    const member = parseMember(await this.log.guardField(stream, 'members', userId));
    if (!member) return undefined;
    const [before] = await this.log.readBefore(stream, `${eventId(registered).ms + 1}-0`, 1);
    if (before && seqOf(before.id) >= member.joined) return before.id;
    return this.log.idAtSeq(stream, member.joined - 1);
  }

  private async save(socket: OpenSocket): Promise<void> {
    const { deviceId: device, caller } = socket;
    const reached = socket.reached?.();
    const before = this.written.get(socket);
    if (device === undefined || reached === undefined || reached === before) return;
    const fresh = [...reached].filter(([id, event]) => before?.get(id) !== event).flat();
    for (let i = 0; i < fresh.length; i += 2 * MARKS) {
      const marks = fresh.slice(i, i + 2 * MARKS);
      await this.log.run('device.save', userStream(caller.userId), { device, marks });
    }
    this.written.set(socket, reached);
  }
}

const nameOf = ({ caller, deviceId }: OpenSocket): string => `${caller.userId} ${deviceId}`;
