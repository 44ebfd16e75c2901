/** Push: which devices of a user take pushes, and how the user wants to be pushed at. What pushes is `pushing.ts`. */
import { ECDH } from 'node:crypto';
import Type from 'typebox';
import { invalid } from '../../envelope.ts';
import { userStream } from '../../keys.ts';
import { command, listAnswer, query } from '../feature.ts';
import type { Command, Deps, Feature, Query } from '../feature.ts';
import { opaqueWord } from '../opaque.ts';
import { Cursor, Limit, pageOf } from '../paging.ts';
import { ChangePushSettings, PublicKey, PushSettings, Subscribe, SubscriptionAnswer, Unsubscribe } from './contract.ts';
import { PushKeys } from './keys.ts';
import { enqueuing, pushing } from './pushing.ts';
import { deviceName, isTimeZone, parseDevice, settingsOf } from './stored.ts';

export const push: Feature = {
  serve(deps) {
    const keys = new PushKeys(deps);
    return {
      commands: [subscribe(deps), unsubscribe(deps), configure(deps)],
      queries: pushQueries(deps, keys),
      reactors: [enqueuing(deps)],
      timers: [pushing(deps, keys)],
    };
  },
};

const PATH = '/push-subscriptions';
const SETTINGS = '/users/me/push';
/** Bytes of a public key as it is sent. */
const UNCOMPRESSED = 65;

function subscribe({ log, outgoing }: Deps): Command {
  return command({
    type: 'push.subscribe',
    about: "Has notifications pushed to a device of the caller's, by what its browser gave; at most 20 devices",
    data: Subscribe,
    answer: SubscriptionAnswer,
    route: { method: 'POST', path: PATH, status: 201 },
    socket: true,
    noun: 'subscription',
    async run(context, { endpoint, keys }) {
      const { userId } = context.caller;
      const { now } = context;
      const wrong = outgoing.refusal(endpoint);
      if (wrong !== undefined) throw invalid([{ pointer: '/endpoint', message: wrong }]);
      checkKeys(keys);
      const appended = await log.append({
        script: 'push.subscribe',
        stream: userStream(userId),
        by: context,
        body: [endpoint, keys],
        args: { device: deviceName(endpoint), details: opaqueWord({ endpoint, keys }) },
      });
      return { body: { endpoint, created_at: new Date(Number(appended.told ?? now)).toISOString() } };
    },
  });
}

/** Something can be encrypted for them. */
function checkKeys({ p256dh, auth }: { readonly p256dh: string; readonly auth: string }): void {
  try {
    // Throws for what is no point of the curve.
    ECDH.convertKey(p256dh, 'prime256v1', 'base64url', 'base64url', 'uncompressed');
    if (Buffer.from(p256dh, 'base64url').length !== UNCOMPRESSED) throw new Error('compressed');
  } catch {
    throw invalid([{ pointer: '/keys/p256dh', message: 'must be a public key of P-256, in base64url' }]);
  }
  if (Buffer.from(auth, 'base64url').length !== 16)
    throw invalid([{ pointer: '/keys/auth', message: 'must be a secret of 16 bytes, in base64url' }]);
}

function unsubscribe({ log }: Deps): Command {
  return command({
    type: 'push.unsubscribe',
    about: 'Has nothing pushed to this device any more',
    data: Unsubscribe,
    answer: null,
    route: { method: 'DELETE', path: PATH, status: 204 },
    socket: true,
    async run(context, { endpoint }) {
      const { userId } = context.caller;
      const request = { by: context, body: endpoint };
      const args = { device: deviceName(endpoint) };
      await log.append({ script: 'push.unsubscribe', stream: userStream(userId), ...request, args });
      return {};
    },
  });
}

function configure({ log }: Deps): Command {
  return command({
    type: 'push.configure',
    about: 'Says what a push may tell of a message, and when there is to be none',
    data: ChangePushSettings,
    answer: PushSettings,
    route: { method: 'PATCH', path: SETTINGS, also: ['PUT'] },
    socket: true,
    noun: 'settings',
    async run(context, wanted) {
      const { userId } = context.caller;
      const { quiet_hours } = wanted;
      if (quiet_hours && !isTimeZone(quiet_hours.time_zone))
        throw invalid([{ pointer: '/quiet_hours/time_zone', message: 'must be a time zone, as Europe/Berlin' }]);
      const stream = userStream(userId);
      const settings = { ...settingsOf(await log.guardField(stream, 'push', 'settings')), ...wanted };
      const request = { by: context, body: wanted };
      await log.append({ script: 'push.configure', stream, ...request, args: { settings: opaqueWord(settings) } });
      return { body: settings };
    },
  });
}

function pushQueries({ log }: Deps, keys: PushKeys): Query[] {
  const list = query({
    name: 'push.subscriptions',
    about: "The caller's devices that take pushes, and the key that a browser needs to become one",
    data: Type.Object({ limit: Limit, cursor: Type.Optional(Cursor) }, { additionalProperties: false }),
    answer: listAnswer(SubscriptionAnswer, PublicKey),
    route: { method: 'GET', path: PATH },
    async run({ caller }, page) {
      const [{ publicKey }, all] = await Promise.all([keys.pair(), log.guardAll(userStream(caller.userId), 'push')]);
      const devices = Object.entries(all).flatMap(([field, value]) =>
        field.startsWith('@') ? parseDevice(value) : [],
      );
      const { items, ...rest } = pageOf(devices, (one) => [Date.parse(one.created_at), one.endpoint], page);
      const shown = items.map(({ endpoint, created_at }) => ({ endpoint, created_at }));
      return { items: shown, public_key: publicKey, ...rest };
    },
  });

  const settings = query({
    name: 'push.settings',
    about: 'How the caller wants to be pushed at',
    data: Type.Object({}, { additionalProperties: false }),
    answer: PushSettings,
    route: { method: 'GET', path: SETTINGS },
    run: async ({ caller }) => settingsOf(await log.guardField(userStream(caller.userId), 'push', 'settings')),
  });

  return [list, settings];
}
