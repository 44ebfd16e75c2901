/**
 * Pushes what notifies: a reactor sets a timer, so that a burst is one push, and what is still to be told when it fires goes out beside
 * the timers, to all devices side by side. Who dies at it is followed by another, under the same notification's id. A push is a hint: what
 * a service does not take is not sent again, since the notification is in the list. A device of which its service says that it is gone
 * is forgotten.
 */
import type { ChatEvent } from '../../envelope.ts';
import { ChatError, isRefusal } from '../../errors.ts';
import { userStream } from '../../keys.ts';
import { CallFailed } from '../../outgoing.ts';
import { memberStanding } from '../access.ts';
import { Beside } from '../beside.ts';
import type { Deps, Reactor, Timer } from '../feature.ts';
import { NotificationCreated } from '../notifications/contract.ts';
import type { PushKeys } from './keys.ts';
import { deviceOf, isQuiet, settingsOf } from './stored.ts';

/** Users who are pushed at at a time. */
const AT_ONCE = 32;
/** Longer than a push takes, with all that is looked up for it. */
const LEASE_MS = 15_000;
const DAY_SECONDS = 86_400;
const MAX_PREVIEW = 200;

export function enqueuing({ log }: Deps): Reactor {
  return {
    name: 'push',
    types: [NotificationCreated.type],
    since: 'now',
    async react({ id }: ChatEvent, stream) {
      await log.run('push.enqueue', stream, { event: id });
    },
  };
}

/** A device's name and details. */
type Named = readonly [string, string];

interface Pushed {
  readonly topic: string;
  readonly payload: string;
}

interface Told {
  readonly notification_id: string;
  readonly kind: string;
  readonly conversation_id: string | null;
  readonly message_id: string | null;
  readonly actor_id: string;
}

export function pushing(deps: Deps, keys: PushKeys): Timer {
  const { log, config, decode, people, messages, outgoing } = deps;
  const beside = new Beside(AT_ONCE);

  /** Who wrote and what, where the user may still see it. */
  async function preview(userId: string, { conversation_id, message_id, actor_id }: Told): Promise<object> {
    const title = (await people.people([actor_id])).get(actor_id)?.display_name;
    if (conversation_id === null || message_id === null) return { title };
    try {
      await memberStanding(log, userId, conversation_id);
      const message = await messages.find(conversation_id, message_id);
      if (!message || message.is_deleted) return { title };
      return { title, body: Array.from(message.content).slice(0, MAX_PREVIEW).join('') };
    } catch (error) {
      if (isRefusal(error)) return { title };
      throw error;
    }
  }

  async function pushTo(userId: string, [name, word]: Named, { topic, payload }: Pushed): Promise<void> {
    const forget = () => {
      const args = { device: name };
      return log.append({
        script: 'push.unsubscribe',
        stream: userStream(userId),
        actorId: userId,
        knowsRepeats: true,
        args,
      });
    };
    const { default: webPush } = await import('web-push');
    let request;
    try {
      request = webPush.generateRequestDetails(deviceOf(word), payload, {
        vapidDetails: { subject: config.PUSH_CONTACT, ...(await keys.pair()) },
        TTL: DAY_SECONDS,
        // One that waits at the service and comes again takes its own place.
        topic,
      });
    } catch (error) {
      if (error instanceof ChatError) throw error;
      // Keys that nothing can be encrypted for.
      await forget();
      return;
    }
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name_, value]) => [name_, String(value)]));
    try {
      const status = await outgoing.post({ url: request.endpoint, headers, body: request.body as Buffer });
      if (status === 404 || status === 410) await forget();
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
    }
  }

  async function push(userId: string, event: string, [clock, word, unread, ...devices]: string[]): Promise<void> {
    const settings = settingsOf(word!);
    if (isQuiet(settings, Number(clock))) return;
    const raw = await log.readOne(userStream(userId), event);
    if (!raw) return;
    const { notification_id, kind, conversation_id, message_id, actor_id } = decode(raw).data as Told;
    const told = { notification_id, kind, conversation_id, message_id, actor_id };
    const shown = settings.previews ? await preview(userId, told) : {};
    const payload = JSON.stringify({ ...told, unread_count: Number(unread), ...shown });
    const pairs = devices.flatMap((name, i) => (i % 2 === 0 ? [[name, devices[i + 1]!] as const] : []));
    await Promise.all(pairs.map((device) => pushTo(userId, device, { topic: notification_id, payload })));
  }

  /** What cannot be done just now is tried again when the lease is over. */
  async function pushOnce(userId: string, event: string, what: string[]): Promise<void> {
    try {
      await push(userId, event, what);
    } catch (error) {
      if (error instanceof ChatError && error.status >= 500) return;
    }
    await log.run('push.settle', userStream(userId), { event });
  }

  return {
    kind: 'push',
    async fire(userId) {
      beside.checkRoom();
      const args = { lease_ms: String(LEASE_MS) };
      const [status, event, ...what] = (await log.run('push.take', userStream(userId), args)).map(String);
      if (status !== 'ok') return;
      beside.begin(pushOnce(userId, event!, what));
    },
  };
}
