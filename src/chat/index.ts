/**
 * The product: the list of features, and what the other rooms get of them as tables. A feature is added here by one line; `api`,
 * `gateway` and `projector` know none by name. Refuses to start with an orphan: a script without a command or query of its
 * name, an event that no script emits.
 */
import type { Config } from '../config.ts';
import { eventDecoder } from '../log/decoder.ts';
import type { Context } from '../envelope.ts';
import { allowancesOf, Limits } from '../limits.ts';
import type { Log } from '../log/log.ts';
import type { Script } from '../log/scripts.ts';
import { Signals } from '../log/signals.ts';
import { composeProjections } from '../views/projection.ts';
import { Reading } from '../views/reading.ts';
import { Outgoing } from '../outgoing.ts';
import type { Views } from '../views/store.ts';
import { adminsOf } from './accounts/admins.ts';
import { Authentication } from './accounts/authentication.ts';
import { botAccountsOf } from './accounts/bot-accounts.ts';
import { accounts } from './accounts/commands.ts';
import { Tokens } from './accounts/tokens.ts';
import { peopleOf } from './accounts/view.ts';
import { attachmentChecks } from './attachments/checks.ts';
import { attachments, attachmentsOf } from './attachments/commands.ts';
import { bans } from './bans/commands.ts';
import { blocks } from './blocks/commands.ts';
import { BlockedPairs } from './blocks/pairs.ts';
import { bots } from './bots/commands.ts';
import { conversations } from './conversations/commands.ts';
import { conversationReads } from './conversations/view.ts';
import { listChecks } from './conversations/list-checks.ts';
import { membershipsOf } from './conversations/memberships.ts';
import { DeviceMarks, devices } from './devices/devices.ts';
import { Door } from './door.ts';
import { drafts } from './drafts/commands.ts';
import { invites } from './invites/commands.ts';
import type { Watch } from './door.ts';
import { eventLog } from './events/view.ts';
import { exporting } from './export/view.ts';
import type { Answer, Deps, Feature, Reactor, SessionListener, Timer, WithheldFrom } from './feature.ts';
import { messages } from './messages/commands.ts';
import { messagesOf } from './messages/view.ts';
import { notifications } from './notifications/commands.ts';
import { participants } from './participants/commands.ts';
import { participantsOf } from './participants/view.ts';
import { pins } from './pins/commands.ts';
import { polls } from './polls/commands.ts';
import { presence } from './presence/commands.ts';
import { presenceReads } from './presence/view.ts';
import { push } from './push/commands.ts';
import { reactions } from './reactions/commands.ts';
import { receipts } from './receipts/commands.ts';
import { receiptsOf } from './receipts/marks.ts';
import { reminders } from './reminders/commands.ts';
import { scheduled } from './scheduled/commands.ts';
import { contentRules } from './rules/checking.ts';
import { rules } from './rules/commands.ts';
import { settings, settingsOf } from './settings/commands.ts';
import { search } from './search/view.ts';
import { Sockets } from './sockets.ts';
import { threads } from './threads/view.ts';
import { typing } from './typing/commands.ts';
import { webhooks } from './webhooks/commands.ts';

export const features: readonly Feature[] = [
  accounts,
  conversations,
  participants,
  bans,
  invites,
  messages,
  threads,
  pins,
  polls,
  reactions,
  receipts,
  typing,
  presence,
  eventLog,
  exporting,
  settings,
  blocks,
  devices,
  notifications,
  drafts,
  scheduled,
  reminders,
  bots,
  webhooks,
  push,
  search,
  attachments,
  rules,
];

export const events = features.flatMap((feature) => feature.events ?? []);
export const signals = features.flatMap((feature) => feature.signals ?? []);
export const projections = composeProjections(
  features.flatMap((feature) => feature.projections ?? []),
  features.flatMap((feature) => feature.contributions ?? []),
);

export const guards = features.flatMap((feature) => feature.guards ?? []);
export const checks = [...listChecks(events, eventDecoder(events)), ...attachmentChecks];

export interface Chat extends Deps {
  readonly limits: Limits;
  readonly door: Door;
  readonly sockets: Sockets;
  readonly reactors: readonly Reactor[];
  readonly timers: readonly Timer[];
  readonly sessions: SessionListener;
}

export function chat(log: Log, views: Views, config: Config, watch?: Watch): Chat {
  const decode = eventDecoder(events);
  const reading = new Reading({ log, views, decode, projections });
  const memberships = membershipsOf(log, events);
  const blocked = new BlockedPairs(log);
  const people = peopleOf({ log, reading });
  const receiptReads = receiptsOf({ log, blocks: blocked });
  const tokens = new Tokens(config);
  const identity = new Authentication(log, tokens);
  const limits = new Limits(allowancesOf(config), (id, asked) =>
    log.run('limit.take', { kind: 'limit', id }, { asked }),
  );
  const services = {
    log,
    signals: new Signals(log),
    reading,
    decode,
    config,
    limits,
    withheldFrom: ((event) => {
      const found = withholding.flatMap((from) => from(event) ?? []);
      return found.length === 0 ? undefined : (userId) => found.some((isFrom) => isFrom(userId));
    }) satisfies WithheldFrom,
    identity,
    people,
    admins: adminsOf({ log, config, people }),
    memberships,
    participants: participantsOf({ reading }),
    receipts: receiptReads,
    messages: messagesOf({ reading, receipts: receiptReads }),
    presences: presenceReads({ log, reading, memberships, blocks: blocked }),
    settings: settingsOf(log),
    blocks: blocked,
    outgoing: new Outgoing({ allowPrivate: config.WEBHOOK_ALLOW_PRIVATE }),
    secretOf: (thing: string): string => tokens.secretOf(thing),
    devices: new DeviceMarks(log),
    botAccounts: botAccountsOf({ log, limits, tokens, identity, memberships }),
    rules: contentRules({ log, decode, config }),
    perform: (type: string, context: Context, data: object): Promise<Answer> => door.command(type, context, data),
    attachments: attachmentsOf({ log, decode, config, limits }),
  };
  const deps: Deps = { ...services, rooms: conversationReads(services) };
  const served = features.map((feature) => feature.serve(deps));
  const withholding = served.flatMap((part) => part.withheldFrom ?? []);
  const commands = served.flatMap((part) => part.commands ?? []);
  const queries = served.flatMap((part) => part.queries ?? []);
  checkOrphans([...log.scripts.values()], [...commands.map(({ type }) => type), ...queries.map(({ name }) => name)]);
  const door = new Door({
    commands,
    queries,
    limits: deps.limits,
    log,
    watch,
  });
  return {
    ...deps,
    limits,
    door,
    sockets: new Sockets(
      deps,
      events,
      served.flatMap((part) => part.hears ?? []),
    ),
    reactors: served.flatMap((part) => part.reactors ?? []),
    timers: served.flatMap((part) => part.timers ?? []),
    sessions: asOne(served.flatMap((part) => part.sessions ?? [])),
  };
}

/** Several who hear of sockets. One's trouble holds up no other. */
function asOne(listeners: readonly SessionListener[]): SessionListener {
  const tell = async (calls: readonly Promise<void>[]) => {
    const failed = (await Promise.allSettled(calls)).find((call) => call.status === 'rejected');
    if (failed) throw failed.reason;
  };
  return {
    opened: (socket) => tell(listeners.map((listener) => listener.opened(socket))),
    renewed: (sockets) => tell(listeners.map((listener) => listener.renewed(sockets))),
    closed: (socket) => tell(listeners.map((listener) => listener.closed(socket))),
  };
}

/** Scripts that no command or query is named after: they serve several, or the machinery. */
const INTERNAL: readonly RegExp[] = [
  /^(projector|feed|archive|file|view|proof|inbox|login|timer|limit|signal|member|directory|admin)\./,
  /^poll\.end$/,
  /^device\.(open|save)$/,
  /^ticket\.redeem$/,
  /^block\.(mirror|direct)$/,
  /^attachment\.(claim|unclaim|settle|release)$/,
  /^notification\.add$/,
  /^message\.erase$/,
  /^erasing\.advance$/,
  /^presence\.(arrive|depart|settle|renew|roll|lapse)$/,
  /^scheduled\.(begin|end)$/,
  /^reminder\.ring$/,
  /^push\.(enqueue|take|settle)$/,
  /^webhook\.(enlist|enqueue|begin|settle)$/,
];

/** Events that only a script emits which is not a command's own are declared like all others. */
export function checkOrphans(scripts: readonly Script[], served: readonly string[]): void {
  const declared = new Set(events.map((e) => `${e.type}/${e.version}`));
  const emitted = new Set(scripts.flatMap((script) => script.emits));
  for (const script of scripts) {
    if (!INTERNAL.some((names) => names.test(script.name)) && !served.includes(script.name))
      throw new Error(`lua/${script.name}.lua: no command or query has this name`);
    const unknown = script.emits.find((name) => !declared.has(name));
    if (unknown) throw new Error(`lua/${script.name}.lua: no feature declares the event ${unknown}`);
  }
  const silent = [...declared].find((name) => !emitted.has(name));
  if (silent) throw new Error(`no script emits the event ${silent}`);
}
