/** How the product is told to those who read its documents: what stands together, what is called how, what a user's own stream holds. Pure data. */
import type { TSchema } from 'typebox';
import { OneUserAnswer, OwnUserAnswer, SessionAnswer, UserAnswer } from './accounts/contract.ts';
import { AttachmentAnswer } from './attachments/contract.ts';
import { BanAnswer } from './bans/contract.ts';
import { BotAnswer, HookAnswer } from './bots/contract.ts';
import { ConversationAnswer, ConversationBrief, Policy } from './conversations/contract.ts';
import { DraftAnswer } from './drafts/contract.ts';
import { EventAnswer } from './events/contract.ts';
import { InviteAnswer } from './invites/contract.ts';
import { MessageAnswer, RevisionAnswer } from './messages/contract.ts';
import { NotificationAnswer } from './notifications/contract.ts';
import { ParticipantAnswer } from './participants/contract.ts';
import { PollAnswer } from './polls/contract.ts';
import { PresenceAnswer } from './presence/contract.ts';
import { ReminderAnswer } from './reminders/contract.ts';
import { ScheduledAnswer } from './scheduled/contract.ts';
import { DeliveryAnswer, WebhookAnswer } from './webhooks/contract.ts';

/** `of` is what names of commands and queries begin with, up to the dot. */
export const areas = [
  { name: 'Sessions', about: 'Logging in, staying so, and ending it', of: ['session', 'sessions', 'ticket'] },
  { name: 'Users', about: "Accounts, one's own and those of others", of: ['user', 'users'] },
  { name: 'Presence', about: 'Who is there', of: ['presence'] },
  { name: 'Blocks', about: 'Whom one does not want to hear from', of: ['block', 'blocks'] },
  {
    name: 'Conversations',
    about: 'Between two, in groups and in channels',
    of: ['conversation', 'conversations', 'channels'],
  },
  {
    name: 'Participants',
    about: 'Who is in a conversation, and what they may do',
    of: ['participant', 'participants'],
  },
  { name: 'Invites', about: 'Links by which one comes in', of: ['invite', 'invites'] },
  { name: 'Bans', about: 'Who may not come in', of: ['ban', 'bans'] },
  { name: 'Rules', about: 'What a conversation does not take', of: ['rules'] },
  { name: 'Messages', about: 'What is said: history, threads, edits', of: ['message', 'messages', 'replies'] },
  { name: 'Reactions', about: 'Emoji on messages', of: ['reaction', 'reactions'] },
  { name: 'Pins', about: 'Messages that are kept in view', of: ['pin', 'pins'] },
  { name: 'Receipts', about: 'What was delivered and read', of: ['receipt', 'receipts'] },
  { name: 'Typing', about: 'Who is writing', of: ['typing'] },
  { name: 'Polls', about: 'Questions with answers to choose from', of: ['poll', 'polls'] },
  { name: 'Search', about: 'Finding what was said', of: ['search'] },
  { name: 'Attachments', about: 'Files', of: ['attachment', 'attachments'] },
  { name: 'Drafts', about: 'What is not sent yet', of: ['draft', 'drafts'] },
  { name: 'Scheduled messages', about: 'What is sent later', of: ['scheduled'] },
  { name: 'Reminders', about: 'Messages that come back to mind', of: ['reminder', 'reminders'] },
  { name: 'Notifications', about: 'What concerns one', of: ['notification', 'notifications'] },
  { name: 'Push', about: 'Notifications for who has no page open', of: ['push'] },
  { name: 'Bots', about: 'Users that are programs, and addresses that post', of: ['bot', 'bots', 'hook', 'hooks'] },
  { name: 'Webhooks', about: 'Events that are sent to an address', of: ['webhook', 'webhooks'] },
  { name: 'Events', about: 'The log itself', of: ['events'] },
];

/** Schemas that stand once in a document, under these names. */
export const schemas: Readonly<Record<string, TSchema>> = {
  Attachment: AttachmentAnswer,
  Ban: BanAnswer,
  Bot: BotAnswer,
  Conversation: ConversationAnswer,
  ConversationBrief,
  Delivery: DeliveryAnswer,
  Draft: DraftAnswer,
  Event: EventAnswer,
  Hook: HookAnswer,
  Invite: InviteAnswer,
  Message: MessageAnswer,
  Notification: NotificationAnswer,
  OwnUser: OwnUserAnswer,
  Participant: ParticipantAnswer,
  Policy,
  Poll: PollAnswer,
  Presence: PresenceAnswer,
  Reminder: ReminderAnswer,
  Revision: RevisionAnswer,
  Scheduled: ScheduledAnswer,
  Session: SessionAnswer,
  User: UserAnswer,
  UserWithPresence: OneUserAnswer,
  Webhook: WebhookAnswer,
};

/** Events of a user's own stream; all others are of a conversation. */
export const isOfUser = (type: string): boolean =>
  /^(user|session|device|presence|block|notification|reminder|scheduled|attachment)\./.test(type) ||
  /^conversation\.(joined|left|settings_changed)$/.test(type);

/** What `session.ready` tells of the one who came. */
export const ready = { user: OwnUserAnswer, conversation: ConversationBrief };
