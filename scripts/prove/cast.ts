/** Who takes part in a story: writers by REST and WebSocket in turn, readers, and the conversations that all of them are in. */
import { groups, people } from './client.ts';
import type { Person } from './client.ts';
import { RestDoor, SocketDoor } from './doors.ts';
import type { Random } from './random.ts';
import { Reader } from './reader.ts';
import type { ReaderOptions } from './reader.ts';
import type { World } from './world.ts';
import { Writer } from './writer.ts';
import type { Recent, WriterOptions } from './writer.ts';

export interface CastOptions {
  readonly writers: number;
  readonly readers: number;
  readonly conversations: number;
  /** Before their names. */
  readonly prefix?: string;
  /** Addresses by role, when they are not simply the nodes'. */
  readonly bases?: (role: 'api' | 'gateway') => readonly string[];
  readonly writing?: Partial<Pick<WriterOptions, 'pace' | 'count' | 'again' | 'deeds'>>;
  readonly reading?: Partial<Pick<ReaderOptions, 'cutEvery'>>;
}

export interface Cast {
  readonly writers: Writer[];
  readonly readers: Reader[];
  readonly audience: Person[];
  readonly conversations: string[];
  /** One more reader, of one of the audience. */
  reader(name: string, person: Person, more?: Partial<ReaderOptions>): Reader;
}

/** Registers everybody; nobody acts yet. */
export async function cast(world: World, random: Random, options: CastOptions): Promise<Cast> {
  const apis = world.bases('api');
  const { prefix = '' } = options;
  const bases = options.bases ?? ((role) => world.bases(role));
  const authors = await people(apis, `${prefix}writer`, options.writers);
  const audience = await people(apis, `${prefix}reader`, options.readers);
  const conversations = await groups(apis, [...authors, ...audience], options.conversations);
  const recent: Recent[] = [];
  const writers = authors.map((person, i) => {
    const [door, role] = i % 2 === 0 ? [new RestDoor(), 'api' as const] : [new SocketDoor(), 'gateway' as const];
    return new Writer({
      person,
      ledger: world.ledgers.of(person.name),
      random: random.fork(),
      door,
      conversations,
      bases: () => bases(role),
      recent,
      ...options.writing,
    });
  });
  const reader: Cast['reader'] = (name, person, more = {}) =>
    new Reader({
      name,
      person,
      ledger: world.ledgers.of(name),
      random: random.fork(),
      conversations,
      bases: () => bases('gateway'),
      ...options.reading,
      ...more,
    });
  return { writers, readers: audience.map((person) => reader(person.name, person)), audience, conversations, reader };
}
