/** Which logs a command is about, as options name them. */
import { isUlid } from '../../src/envelope.ts';
import { conversationStream, userStream } from '../../src/keys.ts';
import type { StreamRef } from '../../src/keys.ts';
import type { Log } from '../../src/log/log.ts';
import { events } from '../../src/chat/index.ts';
import { Problem, usage } from './problem.ts';

export interface Named {
  readonly conversation?: string;
  readonly user?: string;
  readonly all?: boolean;
}

/** The stream of a conversation or a user that there is. */
export async function existing(log: Log, stream: StreamRef): Promise<StreamRef> {
  if (!isUlid(stream.id)) throw usage(`${stream.id} is not the id of a ${stream.kind}: ids are ULIDs`);
  const [head] = await log.heads([stream], []);
  if (!head) throw new Problem('not_found', `there is no ${stream.kind} ${stream.id}`);
  return stream;
}

/** The one stream that was named; none where all are meant. */
export async function namedStreams(log: Log, { conversation, user, all }: Named): Promise<StreamRef[]> {
  const named = [
    ...(conversation === undefined ? [] : [conversationStream(conversation)]),
    ...(user === undefined ? [] : [userStream(user)]),
  ];
  if (named.length + (all ? 1 : 0) !== 1) throw usage('name one of --conversation, --user and --all');
  return Promise.all(named.map((stream) => existing(log, stream)));
}

/** A conversation that was named, or all of them. */
export async function conversationsOf(log: Log, options: Named): Promise<StreamRef[]> {
  const named = await namedStreams(log, options);
  if (named.length > 0) return named;
  const all: StreamRef[] = [];
  for await (const stream of log.streams()) if (stream.kind === 'conversation') all.push(stream);
  return all;
}

export function checkPartition(log: Log, number: number): number {
  if (number < log.keys.partitions) return number;
  throw usage(`there are partitions 0 to ${log.keys.partitions - 1}`);
}

export function typesOf(list: string | undefined): ReadonlySet<string> | undefined {
  const types = list?.split(',').map((type) => type.trim());
  const strange = types?.find((type) => !events.some((event) => event.type === type));
  if (strange === undefined) return types && new Set(types);
  throw usage(`no event is called ${strange}: ${events.map((event) => event.type).join(', ')}`);
}
