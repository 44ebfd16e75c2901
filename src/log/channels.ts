/**
 * Listens to pub/sub channels: over one connection on one Redis, over one for each master on a Cluster (sharded channels), none of which
 * carries anything else. Owns coming back: after a lost connection, a silent one, a failover or a slot that moved, every channel is
 * listened to again within seconds. Refuses to tell what was missed meanwhile: nobody knows.
 *
 * The client's own sharded subscribers would do all this, but one that was refused by a server while a slot moved is never tried again.
 */
import type { Redis } from 'ioredis';
import type { Connection, Warn } from './connection.ts';

export interface ChannelsOptions {
  readonly connection: Connection;
  readonly channels: readonly string[];
  readonly onMessage: (channel: string, message: Buffer) => void;
  /** These are listened to from now on: for the first time, or again after something may have been missed. */
  readonly onListening?: (channels: readonly string[]) => void;
  readonly warn: Warn;
}

interface Listener {
  readonly client: Redis;
  readonly channels: Set<string>;
}

/** A connection that says nothing may be dead, and a slot may have moved without a word: both are looked after this often. */
const LOOK_EVERY_MS = 5_000;
const BACK_OFF_MS = { first: 100, most: 2_000 };

export class Channels {
  private readonly options: ChannelsOptions;
  /** By the server that each listens to. */
  private readonly listeners = new Map<string, Listener>();
  private looking: Promise<void> = Promise.resolve();
  private isStopped = false;
  private hasNews = false;
  /** Looks in a row that did not find everything well. */
  private failures = 0;
  private wake = () => {};

  constructor(options: ChannelsOptions) {
    this.options = options;
  }

  /** Resolves when every channel is listened to; throws where one cannot be. */
  async start(): Promise<void> {
    try {
      await this.look();
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.looking = this.keepLooking();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.wake();
    for (const server of this.listeners.keys()) this.drop(server);
    await this.looking;
  }

  private async keepLooking(): Promise<void> {
    while (!this.isStopped) {
      if (this.failures > 0) await this.pause(Math.min(BACK_OFF_MS.first * 2 ** this.failures, BACK_OFF_MS.most));
      else if (!this.hasNews) await this.pause(LOOK_EVERY_MS);
      if (this.isStopped) return;
      this.hasNews = false;
      try {
        await this.options.connection.askOwners();
        await this.look();
        this.failures = 0;
      } catch (error) {
        if (this.failures === 0) this.options.warn(`channels: ${(error as Error).message}`);
        this.failures += 1;
      }
    }
  }

  /** Listens where it should and does not. One server's trouble holds up no other. */
  private async look(): Promise<void> {
    const wanted = new Map<string, string[]>();
    for (const channel of this.options.channels) {
      const server = this.options.connection.ownerOf(channel);
      const others = wanted.get(server);
      if (others) others.push(channel);
      else wanted.set(server, [channel]);
    }
    for (const server of this.listeners.keys()) if (!wanted.has(server)) this.drop(server);
    const looks = await Promise.allSettled([...wanted].map(([server, channels]) => this.lookAt(server, channels)));
    const failed = looks.find((look) => look.status === 'rejected');
    if (failed) throw failed.reason;
  }

  private async lookAt(server: string, channels: readonly string[]): Promise<void> {
    try {
      const { client, channels: heard } = this.listeners.get(server) ?? (await this.open(server, channels[0]!));
      const missing = channels.filter((channel) => !heard.has(channel));
      if (missing.length === 0) await client.ping();
      // A server takes only channels of one slot at a time.
      const calls = this.options.connection.isCluster ? missing.map((channel) => [channel]) : [missing];
      const subscribe = async (some: readonly string[]) => {
        if (this.options.connection.isCluster) await client.ssubscribe(...some);
        else if (some.length > 0) await client.subscribe(...some);
        for (const channel of some) heard.add(channel);
        this.options.onListening?.(some);
      };
      await Promise.all(calls.map(subscribe));
    } catch (error) {
      // The others that this server has go on.
      if (!(error as Error).message.startsWith('MOVED')) this.drop(server);
      throw error;
    }
  }

  private async open(server: string, key: string): Promise<Listener> {
    const { onMessage, connection } = this.options;
    const client = await connection.forBlocking(key);
    const listener = { client, channels: new Set<string>() };
    this.listeners.set(server, listener);
    if (this.isStopped) this.drop(server);
    const event = connection.isCluster ? 'smessageBuffer' : 'messageBuffer';
    client.on(event, (channel: Buffer, message: Buffer) => onMessage(channel.toString('latin1'), message));
    client.once('end', () => {
      if (this.listeners.get(server) === listener) this.drop(server);
      this.tell();
    });
    // Nobody says which channel the server has given up, so all that it still has are asked for again. Not before what was just answered
    // has been written down.
    client.on('moved', () =>
      setImmediate(() => {
        listener.channels.clear();
        this.tell();
      }),
    );
    return listener;
  }

  private drop(server: string): void {
    const listener = this.listeners.get(server);
    this.listeners.delete(server);
    listener?.client.disconnect();
  }

  /** There is something to look after: at once, unless the last look failed. */
  private tell(): void {
    this.hasNews = true;
    if (this.failures === 0) this.wake();
  }

  private async pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
