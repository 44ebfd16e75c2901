/**
 * The one door for commands and queries, from REST and WebSocket alike: looks at the data as every input is looked at, checks it by the
 * declared schema, counts what is limited, runs. Refuses to start with two commands of one name.
 */
import { checkPlain, eventId as parsedId, validator } from '../envelope.ts';
import type { Caller, CommandFrame, Context, Durability } from '../envelope.ts';
import { asChatError, ChatError, fail } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { Log } from '../log/log.ts';
import { RawJson } from './feature.ts';
import type { Answer, Command, Query } from './feature.ts';

export interface DoorOptions {
  readonly commands: readonly Command[];
  readonly queries: readonly Query[];
  readonly limits: Pick<Limits, 'spendFor'>;
  /** Says what an acknowledgement promises, and of which commands something was appended. */
  readonly log: Pick<Log, 'durability' | 'hasAppended'>;
  /** Told of each command as it begins. */
  readonly watch?: Watch | undefined;
}

/** The command is run with the context, and its end is told: 'ok', or the code of the refusal. */
export type Watch = (type: string, context: Context) => { readonly context: Context; end(outcome: string): void };

export class Door {
  readonly commands: ReadonlyMap<string, Command>;
  readonly queries: ReadonlyMap<string, Query>;
  readonly durability: Durability;
  private readonly log: Pick<Log, 'hasAppended'>;
  private readonly checks: ReadonlyMap<Command | Query, (data: unknown) => unknown>;
  private readonly limits: Pick<Limits, 'spendFor'>;
  private readonly watch: Watch | undefined;

  constructor({ commands, queries, limits, log, watch }: DoorOptions) {
    this.commands = uniqueMap(commands, (c) => c.type);
    this.queries = uniqueMap(queries, (q) => q.name);
    this.log = log;
    this.durability = log.durability;
    this.limits = limits;
    this.watch = watch;
    this.checks = new Map<Command | Query, (data: unknown) => unknown>([
      ...commands.map((c) => [c, validator(c.data, '')] as const),
      ...queries.map((q) => [q, validator(q.data, '/query')] as const),
    ]);
  }

  /** Throws `unknown_command`, `validation_failed`, `rate_limited`, or what the command refuses with. */
  async command(type: string, context: Context, data: unknown): Promise<Answer> {
    const found = this.commands.get(type);
    if (!found) throw fail('unknown_command', `There is no command ${type}`);
    const watched = this.watch?.(type, context);
    const known = watched?.context ?? context;
    try {
      const answer = await found.run(known, await this.admitted(found, known, data));
      watched?.end('ok');
      return answer;
    } catch (thrown) {
      const error = this.told(thrown, known);
      watched?.end(asChatError(error).code);
      throw error;
    }
  }

  /** Throws `validation_failed`, `rate_limited`, or what the query refuses with. */
  async query(name: string, context: Context, data: unknown): Promise<object | RawJson> {
    const found = this.queries.get(name)!;
    return found.run(context, await this.admitted(found, context, data));
  }

  /** A command as a WebSocket brings it; the data of its `ack`. */
  async frame(frame: CommandFrame, context: Context): Promise<object> {
    const { socket, noun } = this.commands.get(frame.type) ?? {};
    if (!socket) throw fail('unknown_command', `A WebSocket takes no command ${frame.type}`);
    const { body, eventId } = await this.command(frame.type, context, frame.data ?? {});
    return {
      ...(eventId ? { event_id: eventId, seq: parsedId(eventId).seq, durability: this.durability } : {}),
      ...(body && noun
        ? { [noun]: body instanceof RawJson ? (JSON.parse(body.json.toString()) as unknown) : body }
        : {}),
    };
  }

  /** What comes after an append may fail as well, a read for the answer or a write in another slot: then "not done" would not be true. */
  private told(error: unknown, context: Context): unknown {
    const isUntrue = error instanceof ChatError && error.code === 'unavailable' && this.log.hasAppended(context);
    return isUntrue ? fail('unknown_outcome', undefined, { cause: error }) : error;
  }

  /** The data as checked, of what may be asked for and was counted. */
  private async admitted(entry: Command | Query, context: Context, data: unknown): Promise<never> {
    checkPlain(data);
    const checked = this.checks.get(entry)!(data);
    checkKey(context.caller, entry, checked);
    if (entry.limited) await this.limits.spendFor(context, entry.limited);
    return checked as never;
  }
}

function uniqueMap<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T> {
  const map = new Map(values.map((value) => [keyOf(value), value]));
  if (map.size < values.length) throw new Error('two commands or queries have one name');
  return map;
}

/** What a bot may ask for by its key. A conversation that the key is not for is not there: neither as the place nor as a source. */
function checkKey({ key }: Caller, entry: { peopleOnly?: true; anyKey?: true }, data: unknown): void {
  if (!key) return;
  if (entry.peopleOnly) throw fail('forbidden', 'This is not for bots');
  const { scope } = key;
  if (!scope) return;
  const parts = [data, ...Object.values(data as object)] as ({ conversation_id?: unknown } | undefined)[];
  const named = parts.flatMap((part) => (typeof part?.conversation_id === 'string' ? part.conversation_id : []));
  if (named.some((id) => !scope.includes(id))) throw fail('not_found', 'There is no such conversation');
  if (named.length === 0 && !entry.anyKey) throw fail('forbidden', 'This key is for some conversations only');
}
