/**
 * The channels that each new account comes into. Registering sets a timer in the same step and waits for nothing: what follows happens
 * once over any crash. A channel is made by the first who needs it, under an id that follows from its name, so that any race makes one.
 * Nobody owns it, so nobody can end it; admins of the server come in as its admins. Who has left one is not brought back.
 */
import { ChatError } from '../../errors.ts';
import { conversationStream, userStream } from '../../keys.ts';
import type { Appended } from '../../log/log.ts';
import { derivedId } from '../derived-id.ts';
import { directoryEntry } from '../directory.ts';
import type { Deps, Timer } from '../feature.ts';
import { fold } from '../folding.ts';
import { DEFAULT_POLICY } from './contract.ts';
import { policyText } from './guard.ts';

export const defaultChannelId = (name: string): string => derivedId('default channel', fold(name));

export function welcoming({ log, config, admins, memberships }: Deps): Timer {
  /** Undefined where the channel is not there yet. */
  async function enroll(userId: string, id: string, role: string): Promise<Appended | undefined> {
    const stream = conversationStream(id);
    const command = { script: 'member.enroll', stream, actorId: userId, knowsRepeats: true, args: { role } } as const;
    return log.append(command).catch((error: unknown) => {
      if (error instanceof ChatError && error.code === 'not_found') return undefined;
      throw error;
    });
  }

  async function make(userId: string, name: string, role: string): Promise<Appended> {
    const id = defaultChannelId(name);
    const participants = [{ user_id: userId, role }];
    const about = { description: null, avatar_url: null, policy: DEFAULT_POLICY };
    return log.append({
      script: 'conversation.create',
      stream: conversationStream(id),
      actorId: userId,
      knowsRepeats: true,
      args: {
        kind: 'channel',
        policy: policyText(DEFAULT_POLICY),
        directory: directoryEntry(name, id),
        data: JSON.stringify({ type: 'channel', name, ...about, participants }),
        participants: [userId, role],
      },
    });
  }

  async function comeIn(userId: string, name: string, role: string): Promise<void> {
    const id = defaultChannelId(name);
    // Whoever is in, or was.
    if ((await log.guardField(userStream(userId), 'conversations', id)) !== null) return;
    let done = (await enroll(userId, id, role)) ?? (await make(userId, name, role));
    // Somebody else was quicker.
    if (done.status === 'duplicate') done = (await enroll(userId, id, role)) ?? done;
    if (done.status === 'ok')
      await memberships.record([{ userId, conversationId: id, change: 'joined' }], done.id, userId);
  }

  return {
    kind: 'welcome',
    async fire(userId) {
      const [account] = await log.heads([userStream(userId)], ['deleted']);
      if (account?.deleted !== '') return;
      const role = (await admins.isAdmin(userId)) ? 'admin' : 'member';
      for (const name of config.DEFAULT_CHANNELS) await comeIn(userId, name, role);
    },
  };
}
