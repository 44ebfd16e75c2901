/**
 * A user's own settings of a conversation: muted, archived, pinned. They lie on the user's stream, so that the user's other devices hear
 * of a change and nobody else does. Owns the format of the guard value on this side.
 */
import { invalid, parseTime } from '../../envelope.ts';
import { userStream } from '../../keys.ts';
import type { Log } from '../../log/log.ts';
import { memberStanding } from '../access.ts';
import { ConversationAnswer } from '../conversations/contract.ts';
import { command } from '../feature.ts';
import type { Deps, Feature } from '../feature.ts';
import type { ConversationSettings, Settings } from '../services.ts';
import { ChangeSettings, SettingsChanged } from './contract.ts';

export const settings: Feature = {
  events: [SettingsChanged],
  serve: (deps) => ({ commands: [changeSettings(deps)] }),
};

const NONE: ConversationSettings = { mutedUntil: undefined, archivedAt: undefined, pinned: false };

export function settingsOf(log: Log): Settings {
  return {
    async of(userId, conversationIds) {
      const values = await log.guardFields(userStream(userId), 'settings', conversationIds);
      return new Map(conversationIds.map((id, i) => [id, parseSettings(values[i] ?? null)]));
    },
  };
}

/** Reads what `lua/conversation.change_settings.lua` writes. */
function parseSettings(value: string | null): ConversationSettings {
  if (value === null) return NONE;
  const [muted, archived, pinned] = value.split(' ');
  return {
    mutedUntil: muted === '-' ? undefined : Number(muted),
    archivedAt: archived === '-' ? undefined : Number(archived),
    pinned: pinned === 'yes',
  };
}

function changeSettings({ log, rooms }: Deps) {
  return command({
    type: 'conversation.change_settings',
    about: 'Mutes, archives or pins a conversation for the caller; an archived one comes back by the next message',
    data: ChangeSettings,
    answer: ConversationAnswer,
    route: { method: 'PATCH', path: '/conversations/{conversation_id}/settings', also: ['PUT'] },
    socket: true,
    noun: 'conversation',
    async run(context, { conversation_id: id, muted_until, archived, pinned }) {
      const { caller } = context;
      const until = muted_until === undefined ? '=' : muted_until === null ? '-' : String(timeOf(muted_until));
      const { messages } = await memberStanding(log, caller.userId, id);
      const appended = await log.append({
        script: 'conversation.change_settings',
        stream: userStream(caller.userId),
        by: context,
        body: [id, muted_until, archived, pinned],
        args: {
          conversation: id,
          muted_until: until,
          archived_at: archived === undefined ? '=' : archived ? String(messages) : '-',
          pinned: pinned === undefined ? '=' : pinned ? 'yes' : '-',
        },
      });
      return { body: await rooms.one(caller.userId, id), eventId: appended.id };
    },
  });
}

function timeOf(text: string): number {
  const ms = parseTime(text);
  if (ms === undefined) throw invalid([{ pointer: '/muted_until', message: 'must be an RFC 3339 time' }]);
  return ms;
}
