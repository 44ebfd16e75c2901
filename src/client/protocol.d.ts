// What the server takes and gives, as types. Made from its contracts by `npm run documents`: not edited by hand.

export type Attachment = {
  id: string;
  file_name: string;
  content_type: string;
  size: number;
  width?: number;
  height?: number;
  duration?: number;
  url: string;
  thumbnail_url?: string;
  expires_at: string;
};

export type Ban = {
  user_id: string;
  banned_by: string;
  created_at: string;
  until: string | null;
  reason: string | null;
  user: { id: string; username: string; display_name: string; avatar_url: string | null };
};

export type Bot = {
  id: string;
  username: string;
  display_name: string;
  avatar_url: string | null;
  is_bot: true;
  conversation_ids: string[] | null;
  created_at: string;
};

export type Conversation = {
  id: string;
  type: 'direct' | 'group' | 'channel';
  name: string | null;
  last_event_id: string;
  last_message: Message | null;
  unread_count: number;
  read_up_to: string | null;
  description: string | null;
  avatar_url: string | null;
  policy: Policy;
  slow_mode_seconds: number;
  is_archived?: true;
  created_by: string;
  created_at: string;
  last_activity: string;
  member_count: number;
  participants?: Participant[];
  role: 'owner' | 'admin' | 'member' | null;
  muted_until: string | null;
  archived: boolean;
  pinned: boolean;
};

export type ConversationBrief = {
  id: string;
  type: 'direct' | 'group' | 'channel';
  name: string | null;
  last_event_id: string;
  last_message: Message | null;
  unread_count: number;
  read_up_to: string | null;
};

export type Delivery = {
  id: string;
  webhook_id: string;
  conversation_id: string;
  event_id: string;
  event_type: string;
  state: 'pending' | 'delivered' | 'failed' | 'gone';
  tries: number;
  result: string | null;
  created_at: string;
  next_try_at: string | null;
};

export type Draft = {
  conversation_id: string;
  content: string;
  reply_to: string | null;
  attachments: string[];
  updated_at: string;
};

export type Event = {
  id: string;
  seq: number;
  at: string;
  conversation_id: string;
  actor_id?: string;
  request_id?: string;
  traceparent?: string;
  type: string;
  version: number;
  data: Record<string, unknown>;
};

export type Hook = { id: string; conversation_id: string; name: string; url: string };

export type Invite = {
  code: string;
  invite_id: string;
  conversation_id: string;
  created_by: string;
  created_at: string;
  expires_at: string | null;
  max_uses: number | null;
  uses: number;
};

export type Message = {
  id: string;
  conversation_id: string;
  event_id: string;
  seq: number;
  sender_id: string;
  content: string;
  message_type: 'text' | 'image' | 'audio' | 'video' | 'file' | 'poll' | 'system';
  created_at: string;
  edited: boolean;
  edited_at: string | null;
  is_deleted: boolean;
  deleted_at: string | null;
  reply_to: string | null;
  thread_id: string | null;
  reply_count: number;
  last_reply_at: string | null;
  repliers: string[];
  attachments: {
    id: string;
    file_name: string;
    content_type: string;
    size: number;
    width?: number;
    height?: number;
    duration?: number;
    url: string;
    thumbnail_url?: string;
  }[];
  mentions: string[];
  mentions_all: boolean;
  reactions: { emoji: string; count: number; user_ids: string[] }[];
  pinned: boolean;
  pinned_by: string | null;
  pinned_at: string | null;
  forwarded_from: {
    conversation_id: string | null;
    message_id: string | null;
    sender_id: string;
    created_at: string;
  } | null;
  revision: number;
  metadata: Record<string, unknown>;
  poll?: {
    options: { text: string; votes: number }[];
    multiple: boolean;
    closes_at: string | null;
    closed_at: string | null;
    voters: number;
  };
  read_status?: 'sent' | 'delivered' | 'read';
};

export type Notification = {
  id: string;
  kind: 'mention' | 'direct' | 'reply' | 'reaction' | 'reminder' | 'not_sent' | 'webhook_paused';
  conversation_id: string | null;
  message_id: string | null;
  actor_id: string;
  reason?: string;
  webhook_id?: string;
  created_at: string;
  read: boolean;
};

export type OwnUser = {
  id: string;
  username: string;
  display_name: string;
  avatar_url: string | null;
  created_at: string;
  is_bot?: true;
  owner_id?: string;
  email: string | null;
};

export type Participant = {
  user_id: string;
  role: 'owner' | 'admin' | 'member';
  joined_at: string;
  user: { id: string; username: string; display_name: string; avatar_url: string | null };
};

export type Policy = {
  add: 'admins' | 'members';
  post: 'admins' | 'everyone';
  edit_info: 'admins' | 'members';
  pin: 'admins' | 'members';
};

export type Poll = {
  id: string;
  conversation_id: string;
  created_by: string;
  created_at: string;
  question: string;
  options: { text: string; votes: number }[];
  multiple: boolean;
  closes_at: string | null;
  closed_at: string | null;
  voters: number;
  own_vote: number[];
};

export type Presence = { status: 'online' | 'away' | 'busy' | 'offline'; last_seen: string | null };

export type Problem = {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: 'validation_failed' | 'bad_frame' | 'unknown_command' | 'wrong_credentials' | 'unauthenticated' | 'token_expired' | 'forbidden' | 'banned' | 'edit_window_closed' | 'delete_window_closed' | 'not_found' | 'method_not_allowed' | 'conflict' | 'payload_too_large' | 'unsupported_media_type' | 'range_not_satisfiable' | 'content_rejected' | 'upgrade_required' | 'rate_limited' | 'internal' | 'unavailable' | 'unknown_outcome';
  errors?: { pointer: string; message: string; rule?: string }[];
};

export type Reminder = { id: string; conversation_id: string; message_id: string; remind_at: string };

export type Revision = {
  revision: number;
  event_id: string;
  content: string;
  mentions: string[];
  mentions_all: boolean;
  created_at: string;
};

export type Scheduled = {
  id: string;
  conversation_id: string;
  send_at: string;
  content: string;
  message_type: string;
  reply_to: string | null;
  attachments: string[];
  metadata: Record<string, unknown>;
};

export type Session = {
  id: string;
  created_at: string;
  last_used_at: string;
  user_agent: string;
  ip: string;
  current: boolean;
};

export type User = {
  id: string;
  username: string;
  display_name: string;
  avatar_url: string | null;
  created_at: string;
  is_bot?: true;
  owner_id?: string;
};

export type UserWithPresence = {
  id: string;
  username: string;
  display_name: string;
  avatar_url: string | null;
  created_at: string;
  is_bot?: true;
  owner_id?: string;
  presence: Presence;
};

export type Webhook = {
  id: string;
  url: string;
  events: string[];
  conversation_id: string | null;
  state: 'active' | 'paused';
  failing_since: string | null;
  created_at: string;
};

/** What happened, in the order of its stream: the very entries of the log. */
export interface Events {
  'user.registered': {
    id: string;
    seq: number;
    at: string;
    user_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'user.registered';
    data: {
      username: string;
      display_name: string;
      avatar_url: string | null;
      is_bot?: boolean;
      owner_id?: string;
    };
  };
  'user.updated': {
    id: string;
    seq: number;
    at: string;
    user_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'user.updated';
    data: { display_name?: string; avatar_url?: string | null };
  };
  'user.deleted': {
    id: string;
    seq: number;
    at: string;
    user_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'user.deleted';
    data: Record<string, unknown>;
  };
  'session.ended': {
    id: string;
    seq: number;
    at: string;
    user_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'session.ended';
    data: {
      session_id: string;
      reason: 'logout' | 'revoked' | 'reuse' | 'password_changed' | 'account_deleted';
    };
  };
  'conversation.created': {
    id: string;
    seq: number;
    at: string;
    conversation_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'conversation.created';
    data: {
      type: 'direct' | 'group' | 'channel';
      name: string | null;
      description: string | null;
      avatar_url: string | null;
      policy: Policy;
      participants: { user_id: string; role: 'owner' | 'admin' | 'member' }[];
    };
  };
  'conversation.updated': {
    id: string;
    seq: number;
    at: string;
    conversation_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'conversation.updated';
    data: {
      name?: string;
      description?: string | null;
      avatar_url?: string | null;
      policy?: {
        add?: 'admins' | 'members';
        post?: 'admins' | 'everyone';
        edit_info?: 'admins' | 'members';
        pin?: 'admins' | 'members';
      };
      slow_mode_seconds?: number;
      is_archived?: boolean;
    };
  };
  'conversation.deleted': {
    id: string;
    seq: number;
    at: string;
    conversation_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'conversation.deleted';
    data: Record<string, unknown>;
  };
  'conversation.joined': {
    id: string;
    seq: number;
    at: string;
    user_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'conversation.joined';
    data: { conversation_id: string };
  };
  'conversation.left': {
    id: string;
    seq: number;
    at: string;
    user_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'conversation.left';
    data: { conversation_id: string };
  };
  'participant.added': {
    id: string;
    seq: number;
    at: string;
    conversation_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'participant.added';
    data: { user_id: string; role: 'owner' | 'admin' | 'member'; invite_id?: string };
  };
  'participant.removed': {
    id: string;
    seq: number;
    at: string;
    conversation_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'participant.removed';
    data: { user_id: string; reason: 'left' | 'removed' | 'banned' };
  };
  'participant.role_changed': {
    id: string;
    seq: number;
    at: string;
    conversation_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'participant.role_changed';
    data: { user_id: string; role: 'owner' | 'admin' | 'member' };
  };
  'ban.added': {
    id: string;
    seq: number;
    at: string;
    conversation_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'ban.added';
    data: { user_id: string; until: string | null; reason: string | null };
  };
  'ban.removed': {
    id: string;
    seq: number;
    at: string;
    conversation_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'ban.removed';
    data: { user_id: string };
  };
  'invite.created': {
    id: string;
    seq: number;
    at: string;
    conversation_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'invite.created';
    data: { invite_id: string; expires_at: string | null; max_uses: number | null };
  };
  'invite.revoked': {
    id: string;
    seq: number;
    at: string;
    conversation_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'invite.revoked';
    data: { invite_id: string };
  };
  'message.sent': {
    id: string;
    seq: number;
    at: string;
    conversation_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'message.sent';
    data: {
      message_id: string;
      content: string;
      message_type: string;
      reply_to: string | null;
      attachments: {
        id: string;
        file_name: string;
        content_type: string;
        size: number;
        width?: number;
        height?: number;
        duration?: number;
        url: string;
        thumbnail_url?: string;
      }[];
      mentions: string[];
      mentions_all: boolean;
      metadata: Record<string, unknown>;
      thread_id?: string;
      forwarded_from?: {
        conversation_id: string | null;
        message_id: string | null;
        sender_id: string;
        created_at: string;
      };
    };
  };
  'message.edited': {
    id: string;
    seq: number;
    at: string;
    conversation_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'message.edited';
    data: {
      message_id: string;
      content: string;
      mentions: string[];
      mentions_all: boolean;
      revision: number;
    };
  };
  'message.deleted': {
    id: string;
    seq: number;
    at: string;
    conversation_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'message.deleted';
    data: { message_id: string };
  };
  'message.pinned': {
    id: string;
    seq: number;
    at: string;
    conversation_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'message.pinned';
    data: { message_id: string };
  };
  'message.unpinned': {
    id: string;
    seq: number;
    at: string;
    conversation_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'message.unpinned';
    data: { message_id: string };
  };
  'poll.created': {
    id: string;
    seq: number;
    at: string;
    conversation_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'poll.created';
    data: {
      poll_id: string;
      question: string;
      options: string[];
      multiple: boolean;
      closes_at: string | null;
    };
  };
  'poll.voted': {
    id: string;
    seq: number;
    at: string;
    conversation_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'poll.voted';
    data: { poll_id: string; options: number[]; before?: number[] };
  };
  'poll.closed': {
    id: string;
    seq: number;
    at: string;
    conversation_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'poll.closed';
    data: { poll_id: string };
  };
  'reaction.added': {
    id: string;
    seq: number;
    at: string;
    conversation_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'reaction.added';
    data: { message_id: string; emoji: string; revision: number };
  };
  'reaction.removed': {
    id: string;
    seq: number;
    at: string;
    conversation_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'reaction.removed';
    data: { message_id: string; emoji: string; revision: number };
  };
  'receipt.delivered': {
    id: string;
    seq: number;
    at: string;
    conversation_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'receipt.delivered';
    data: { up_to: string; message_id: string };
  };
  'receipt.read': {
    id: string;
    seq: number;
    at: string;
    conversation_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'receipt.read';
    data: { up_to: string; message_id: string };
  };
  'presence.changed': {
    id: string;
    seq: number;
    at: string;
    user_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'presence.changed';
    data: {
      status: 'online' | 'away' | 'busy' | 'offline';
      status_text: string | null;
      last_seen: string | null;
    };
  };
  'conversation.settings_changed': {
    id: string;
    seq: number;
    at: string;
    user_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'conversation.settings_changed';
    data: {
      conversation_id: string;
      muted_until?: string | null;
      archived?: boolean;
      archived_at_message?: number;
      pinned?: boolean;
    };
  };
  'block.added': {
    id: string;
    seq: number;
    at: string;
    user_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'block.added';
    data: { user_id: string };
  };
  'block.removed': {
    id: string;
    seq: number;
    at: string;
    user_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'block.removed';
    data: { user_id: string };
  };
  'device.registered': {
    id: string;
    seq: number;
    at: string;
    user_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'device.registered';
    data: { device_id: string };
  };
  'notification.created': {
    id: string;
    seq: number;
    at: string;
    user_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'notification.created';
    data: {
      notification_id: string;
      kind: 'mention' | 'direct' | 'reply' | 'reaction' | 'reminder' | 'not_sent' | 'webhook_paused';
      conversation_id: string | null;
      message_id: string | null;
      actor_id: string;
      reason?: string;
      webhook_id?: string;
      drops?: string;
    };
  };
  'notification.read': {
    id: string;
    seq: number;
    at: string;
    user_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'notification.read';
    data: { up_to?: string; ids?: string[] };
  };
  'scheduled.created': {
    id: string;
    seq: number;
    at: string;
    user_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'scheduled.created';
    data: { scheduled_id: string; conversation_id: string; send_at: string };
  };
  'scheduled.changed': {
    id: string;
    seq: number;
    at: string;
    user_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'scheduled.changed';
    data: { scheduled_id: string; conversation_id: string; send_at: string };
  };
  'scheduled.ended': {
    id: string;
    seq: number;
    at: string;
    user_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'scheduled.ended';
    data: {
      scheduled_id: string;
      conversation_id: string;
      reason: 'sent' | 'cancelled' | 'refused';
      code?: string;
    };
  };
  'reminder.created': {
    id: string;
    seq: number;
    at: string;
    user_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'reminder.created';
    data: { reminder_id: string; conversation_id: string; message_id: string; remind_at: string };
  };
  'reminder.ended': {
    id: string;
    seq: number;
    at: string;
    user_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'reminder.ended';
    data: { reminder_id: string; reason: 'rung' | 'cancelled' | 'gone' };
  };
  'attachment.uploaded': {
    id: string;
    seq: number;
    at: string;
    user_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'attachment.uploaded';
    data: {
      attachment_id: string;
      file_name: string;
      content_type: string;
      size: number;
      width?: number;
      height?: number;
      duration?: number;
      kept: { sha256: string; word: string };
      thumbnail?: { sha256: string; word: string; size: number };
    };
  };
  'attachment.removed': {
    id: string;
    seq: number;
    at: string;
    user_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'attachment.removed';
    data: { attachment_id: string; uploaded: string };
  };
  'rules.changed': {
    id: string;
    seq: number;
    at: string;
    conversation_id: string;
    actor_id: string;
    request_id?: string;
    traceparent?: string;
    version: number;
    type: 'rules.changed';
    data: { blocklist: boolean; words: string[]; links: boolean; max_mentions: number | null };
  };
  'event.withheld': {
    id: string;
    seq: number;
    at: string;
    version: number;
    actor_id?: string;
    conversation_id?: string;
    user_id?: string;
    type: 'event.withheld';
    data: Record<string, never>;
  };
}

/** What is true for a moment, and in no log. */
export interface Signals {
  'receipt.marked': {
    type: 'receipt.marked';
    conversation_id: string;
    actor_id: string;
    data: { conversation_id: string; read_up_to: string; unread_count: number };
  };
  'typing.started': {
    type: 'typing.started';
    conversation_id: string;
    actor_id: string;
    data: { expires_at: string };
  };
  'typing.stopped': {
    type: 'typing.stopped';
    conversation_id: string;
    actor_id: string;
    data: { expires_at: string };
  };
  'draft.changed': {
    type: 'draft.changed';
    conversation_id: string;
    actor_id: string;
    data: {
      conversation_id: string;
      draft: { content: string; reply_to: string | null; attachments: string[]; updated_at: string } | null;
    };
  };
}

/** What the server says of the session itself. */
export interface SessionFrames {
  'session.ready': {
    type: 'session.ready';
    data: {
      session_id: string;
      heartbeat_interval: number;
      user: OwnUser;
      conversations: ConversationBrief[];
      total_unread: number;
      user_event_id: string;
    };
  };
  'session.resumed': { type: 'session.resumed'; data: Record<string, never> };
  'sync.reset': {
    type: 'sync.reset';
    data: { conversation_id?: string; user_id?: string; last_event_id: string };
  };
}

/** What may be sent over a socket, and what is answered. */
export interface Commands {
  'session.resume': { data: { cursors?: Record<string, string>; user?: string }; ack: Record<string, never> };
  'conversation.sync': { data: { conversation_id: string; after: string }; ack: Record<string, never> };
  'user.update': {
    data: { display_name?: string; avatar_url?: string | null };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      user?: OwnUser;
    };
  };
  'conversation.join': {
    data: { conversation_id: string };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      conversation?: Conversation;
    };
  };
  'conversation.leave': {
    data: { conversation_id: string };
    ack: { event_id?: string; seq?: number; durability?: 'disk' | 'replicated' | 'memory' };
  };
  'ban.add': {
    data: {
      conversation_id: string;
      user_id: string;
      until?: string | null;
      reason?: string | null;
    };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      ban?: Ban;
    };
  };
  'ban.remove': {
    data: { conversation_id: string; user_id: string };
    ack: { event_id?: string; seq?: number; durability?: 'disk' | 'replicated' | 'memory' };
  };
  'invite.create': {
    data: { conversation_id: string; expires_in?: number | null; max_uses?: number | null };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      invite?: Invite;
    };
  };
  'invite.revoke': {
    data: { conversation_id: string; code: string };
    ack: { event_id?: string; seq?: number; durability?: 'disk' | 'replicated' | 'memory' };
  };
  'invite.accept': {
    data: { code: string };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      conversation?: Conversation;
    };
  };
  'message.send': {
    data: {
      conversation_id: string;
      id?: string;
      content?: string;
      forward?: { conversation_id: string; message_id: string };
      message_type?: 'text' | 'image' | 'audio' | 'video' | 'file';
      reply_to?: string | null;
      attachments?: string[];
      metadata?: Record<string, unknown>;
    };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      message?: Message;
    };
  };
  'message.edit': {
    data: { conversation_id: string; message_id: string; content: string };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      message?: Message;
    };
  };
  'message.delete': {
    data: { conversation_id: string; message_id: string };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      message?: Message;
    };
  };
  'message.pin': {
    data: { conversation_id: string; message_id: string };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      message?: Message;
    };
  };
  'message.unpin': {
    data: { conversation_id: string; message_id: string };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      message?: Message;
    };
  };
  'poll.create': {
    data: {
      conversation_id: string;
      question: string;
      options: string[];
      multiple?: boolean;
      closes_at?: string | null;
    };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      poll?: Poll;
    };
  };
  'poll.vote': {
    data: { conversation_id: string; poll_id: string; options: number[] };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      poll?: Poll;
    };
  };
  'poll.close': {
    data: { conversation_id: string; poll_id: string };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      poll?: Poll;
    };
  };
  'reaction.add': {
    data: { conversation_id: string; message_id: string; emoji: string };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      message?: Message;
    };
  };
  'reaction.remove': {
    data: { conversation_id: string; message_id: string; emoji: string };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      message?: Message;
    };
  };
  'receipt.read': {
    data: { conversation_id: string; up_to?: string };
    ack: { event_id?: string; seq?: number; durability?: 'disk' | 'replicated' | 'memory' };
  };
  'receipt.delivered': {
    data: { conversation_id: string; up_to?: string };
    ack: { event_id?: string; seq?: number; durability?: 'disk' | 'replicated' | 'memory' };
  };
  'receipt.mark_unread': {
    data: { conversation_id: string; from: string };
    ack: { event_id?: string; seq?: number; durability?: 'disk' | 'replicated' | 'memory' };
  };
  'typing.start': {
    data: { conversation_id: string };
    ack: { event_id?: string; seq?: number; durability?: 'disk' | 'replicated' | 'memory' };
  };
  'typing.stop': {
    data: { conversation_id: string };
    ack: { event_id?: string; seq?: number; durability?: 'disk' | 'replicated' | 'memory' };
  };
  'presence.set': {
    data: {
      status: 'online' | 'away' | 'busy' | 'invisible';
      status_text?: string | null;
      status_until?: string | null;
    };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      presence?: {
        status: 'online' | 'away' | 'busy' | 'invisible';
        status_text: string | null;
        status_until: string | null;
      };
    };
  };
  'presence.watch': {
    data: { user_ids: string[] };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      states?: {
        user_id: string;
        status: 'online' | 'away' | 'busy' | 'offline';
        status_text: string | null;
        last_seen: string | null;
      }[];
    };
  };
  'conversation.change_settings': {
    data: {
      conversation_id: string;
      muted_until?: string | null;
      archived?: boolean;
      pinned?: boolean;
    };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      conversation?: Conversation;
    };
  };
  'block.add': {
    data: { user_id: string };
    ack: { event_id?: string; seq?: number; durability?: 'disk' | 'replicated' | 'memory' };
  };
  'block.remove': {
    data: { user_id: string };
    ack: { event_id?: string; seq?: number; durability?: 'disk' | 'replicated' | 'memory' };
  };
  'notification.read': {
    data: { up_to?: string; ids?: string[] };
    ack: { event_id?: string; seq?: number; durability?: 'disk' | 'replicated' | 'memory' };
  };
  'draft.save': {
    data: {
      conversation_id: string;
      content?: string;
      reply_to?: string | null;
      attachments?: string[];
    };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      draft?: Draft;
    };
  };
  'draft.delete': {
    data: { conversation_id: string };
    ack: { event_id?: string; seq?: number; durability?: 'disk' | 'replicated' | 'memory' };
  };
  'scheduled.create': {
    data: {
      conversation_id: string;
      send_at: string;
      id?: string;
      content: string;
      message_type?: 'text' | 'image' | 'audio' | 'video' | 'file';
      reply_to?: string | null;
      attachments?: string[];
      metadata?: Record<string, unknown>;
    };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      scheduled?: Scheduled;
    };
  };
  'scheduled.change': {
    data: { scheduled_id: string; send_at?: string; content?: string };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      scheduled?: Scheduled;
    };
  };
  'scheduled.cancel': {
    data: { scheduled_id: string };
    ack: { event_id?: string; seq?: number; durability?: 'disk' | 'replicated' | 'memory' };
  };
  'reminder.create': {
    data: { conversation_id: string; message_id: string; remind_at: string };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      reminder?: Reminder;
    };
  };
  'reminder.delete': {
    data: { reminder_id: string };
    ack: { event_id?: string; seq?: number; durability?: 'disk' | 'replicated' | 'memory' };
  };
  'push.subscribe': {
    data: {
      endpoint: string;
      keys: { p256dh: string; auth: string };
      expirationTime?: number | null;
    };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      subscription?: { endpoint: string; created_at: string };
    };
  };
  'push.unsubscribe': {
    data: { endpoint: string };
    ack: { event_id?: string; seq?: number; durability?: 'disk' | 'replicated' | 'memory' };
  };
  'push.configure': {
    data: {
      previews?: boolean;
      quiet_hours?: { from: string; to: string; time_zone: string } | null;
    };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      settings?: { previews: boolean; quiet_hours: { from: string; to: string; time_zone: string } | null };
    };
  };
  'attachment.delete': {
    data: { attachment_id: string };
    ack: { event_id?: string; seq?: number; durability?: 'disk' | 'replicated' | 'memory' };
  };
  'rules.change': {
    data: {
      conversation_id: string;
      blocklist?: boolean;
      words?: string[];
      links?: boolean;
      max_mentions?: number | null;
    };
    ack: {
      event_id?: string;
      seq?: number;
      durability?: 'disk' | 'replicated' | 'memory';
      rules?: { blocklist: boolean; words: string[]; links: boolean; max_mentions: number | null };
    };
  };
}

/** The REST API: what each takes, of its path, query and body together, and answers. */
export interface Operations {
  'POST /auth/register': {
    data: { username: string; password: string; display_name?: string; email?: string };
    answer: {
      user: OwnUser;
      access_token: string;
      refresh_token: string;
      token_type: 'bearer';
      expires_in: number;
    };
  };
  'POST /auth/login': {
    data: { username: string; password: string };
    answer: {
      user: OwnUser;
      access_token: string;
      refresh_token: string;
      token_type: 'bearer';
      expires_in: number;
    };
  };
  'POST /auth/refresh': {
    data: { refresh_token: string };
    answer: { access_token: string; refresh_token: string; token_type: 'bearer'; expires_in: number };
  };
  'POST /auth/logout': { data: { refresh_token: string }; answer: undefined };
  'DELETE /auth/sessions': { data: Record<string, unknown>; answer: undefined };
  'GET /auth/sessions': {
    data: { limit?: number; cursor?: string };
    answer: { items: Session[]; next_cursor: string | null; has_more: boolean };
  };
  'POST /auth/ws-ticket': { data: Record<string, unknown>; answer: { ticket: string; expires_in: number } };
  'PATCH /users/me': { data: { display_name?: string; avatar_url?: string | null }; answer: OwnUser };
  'PUT /users/me': { data: { display_name?: string; avatar_url?: string | null }; answer: OwnUser };
  'DELETE /users/me': { data: { password: string; erase?: boolean }; answer: undefined };
  'GET /users/me': { data: Record<string, unknown>; answer: OwnUser };
  'PUT /users/me/password': { data: { current_password: string; new_password: string }; answer: undefined };
  'POST /conversations': {
    data: {
      type: 'direct' | 'group' | 'channel';
      name?: string;
      description?: string | null;
      avatar_url?: string | null;
      participant_ids?: string[];
      policy?: {
        add?: 'admins' | 'members';
        post?: 'admins' | 'everyone';
        edit_info?: 'admins' | 'members';
        pin?: 'admins' | 'members';
      };
    };
    answer: Conversation;
  };
  'GET /conversations': {
    data: {
      limit?: number;
      cursor?: string;
      type?: 'direct' | 'group' | 'channel';
      archived?: 'true' | 'false';
      query?: string;
    };
    answer: {
      items: Conversation[];
      total_unread: number;
      next_cursor: string | null;
      has_more: boolean;
    };
  };
  'POST /conversations/direct': { data: { user_id: string }; answer: Conversation };
  'PUT /users/me/status': {
    data: {
      status: 'online' | 'away' | 'busy' | 'invisible';
      status_text?: string | null;
      status_until?: string | null;
    };
    answer: {
      status: 'online' | 'away' | 'busy' | 'invisible';
      status_text: string | null;
      status_until: string | null;
    };
  };
  'GET /users/me/status': {
    data: Record<string, unknown>;
    answer: {
      status: 'online' | 'away' | 'busy' | 'invisible';
      status_text: string | null;
      status_until: string | null;
    };
  };
  'POST /notifications/read': { data: { up_to?: string; ids?: string[] }; answer: undefined };
  'POST /reminders': {
    data: { conversation_id: string; message_id: string; remind_at: string };
    answer: Reminder;
  };
  'GET /reminders': {
    data: { limit?: number; cursor?: string };
    answer: { items: Reminder[]; next_cursor: string | null; has_more: boolean };
  };
  'POST /bots': {
    data: { username: string; display_name?: string; conversation_ids?: string[] };
    answer: { bot: Bot; api_key: string };
  };
  'GET /bots': {
    data: { limit?: number; cursor?: string };
    answer: { items: Bot[]; next_cursor: string | null; has_more: boolean };
  };
  'POST /webhooks': {
    data: {
      url: string;
      events: ('conversation.updated' | 'conversation.deleted' | 'participant.added' | 'participant.removed' | 'participant.role_changed' | 'message.sent' | 'message.edited' | 'message.deleted' | 'message.pinned' | 'message.unpinned' | 'reaction.added' | 'reaction.removed')[];
      conversation_id?: string | null;
    };
    answer: {
      id: string;
      url: string;
      events: string[];
      conversation_id: string | null;
      state: 'active' | 'paused';
      failing_since: string | null;
      created_at: string;
      secret: string;
    };
  };
  'GET /webhooks': {
    data: { limit?: number; cursor?: string };
    answer: { items: Webhook[]; next_cursor: string | null; has_more: boolean };
  };
  'POST /push-subscriptions': {
    data: {
      endpoint: string;
      keys: { p256dh: string; auth: string };
      expirationTime?: number | null;
    };
    answer: { endpoint: string; created_at: string };
  };
  'DELETE /push-subscriptions': { data: { endpoint: string }; answer: undefined };
  'GET /push-subscriptions': {
    data: { limit?: number; cursor?: string };
    answer: {
      items: { endpoint: string; created_at: string }[];
      public_key: string;
      next_cursor: string | null;
      has_more: boolean;
    };
  };
  'PATCH /users/me/push': {
    data: {
      previews?: boolean;
      quiet_hours?: { from: string; to: string; time_zone: string } | null;
    };
    answer: { previews: boolean; quiet_hours: { from: string; to: string; time_zone: string } | null };
  };
  'PUT /users/me/push': {
    data: {
      previews?: boolean;
      quiet_hours?: { from: string; to: string; time_zone: string } | null;
    };
    answer: { previews: boolean; quiet_hours: { from: string; to: string; time_zone: string } | null };
  };
  'GET /users/me/push': {
    data: Record<string, unknown>;
    answer: { previews: boolean; quiet_hours: { from: string; to: string; time_zone: string } | null };
  };
  'GET /users': {
    data: { limit?: number; cursor?: string; query?: string };
    answer: { items: User[]; next_cursor: string | null; has_more: boolean };
  };
  'GET /channels': {
    data: { limit?: number; cursor?: string; query?: string };
    answer: { items: Conversation[]; next_cursor: string | null; has_more: boolean };
  };
  'GET /users/online': {
    data: { limit?: number; cursor?: string };
    answer: {
      items: {
        user_id: string;
        status: 'online' | 'away' | 'busy' | 'offline';
        status_text: string | null;
        last_seen: string | null;
        user: { id: string; username: string; display_name: string; avatar_url: string | null };
      }[];
      next_cursor: string | null;
      has_more: boolean;
    };
  };
  'GET /users/me/blocks': {
    data: { limit?: number; cursor?: string };
    answer: {
      items: {
        user_id: string;
        blocked_at: string;
        user: { id: string; username: string; display_name: string; avatar_url: string | null };
      }[];
      next_cursor: string | null;
      has_more: boolean;
    };
  };
  'GET /notifications': {
    data: { limit?: number; cursor?: string };
    answer: {
      items: Notification[];
      unread_count: number;
      next_cursor: string | null;
      has_more: boolean;
    };
  };
  'GET /drafts': {
    data: { limit?: number; cursor?: string };
    answer: { items: Draft[]; next_cursor: string | null; has_more: boolean };
  };
  'GET /scheduled': {
    data: { limit?: number; cursor?: string; conversation_id?: string };
    answer: { items: Scheduled[]; next_cursor: string | null; has_more: boolean };
  };
  'GET /search/messages': {
    data: {
      q?: string;
      conversation_id?: string;
      from?: string;
      type?: 'text' | 'image' | 'audio' | 'video' | 'file' | 'poll';
      before?: string;
      after?: string;
      has?: 'attachment' | 'link';
      limit?: number;
      cursor?: string;
    };
    answer: {
      items: {
        message: Message;
        conversation: { id: string; name: string | null; type: 'direct' | 'group' | 'channel' };
        snippet: string;
        highlights: number[][];
      }[];
      next_cursor: string | null;
      has_more: boolean;
    };
  };
  'GET /health': { data: Record<string, unknown>; answer: { status: 'ready' } };
  'GET /health/live': { data: Record<string, unknown>; answer: { status: 'live' } };
  'GET /health/ready': { data: Record<string, unknown>; answer: { status: 'ready' } };
  'GET /health/detailed': {
    data: Record<string, unknown>;
    answer: {
      status: 'ready' | 'stopping' | 'unavailable';
      timestamp: string;
      version: string;
      active_connections: number;
      total_conversations: unknown;
      total_messages: unknown;
      redis_status: 'connected' | 'unavailable';
      memory_usage: { rss: number; heap_used: number; heap_total: number; external: number };
    };
  };
  'GET /stats': {
    data: Record<string, unknown>;
    answer: {
      timestamp: string;
      active_connections: number;
      total_conversations: unknown;
      total_messages: unknown;
      total_users: unknown;
    };
  };
  'DELETE /auth/sessions/{id}': { data: { id: string }; answer: undefined };
  'GET /auth/sessions/{id}': { data: { id: string }; answer: Session };
  'PATCH /conversations/{conversation_id}': {
    data: {
      conversation_id: string;
      name?: string;
      description?: string | null;
      avatar_url?: string | null;
      policy?: {
        add?: 'admins' | 'members';
        post?: 'admins' | 'everyone';
        edit_info?: 'admins' | 'members';
        pin?: 'admins' | 'members';
      };
      slow_mode_seconds?: number;
      is_archived?: boolean;
    };
    answer: Conversation;
  };
  'PUT /conversations/{conversation_id}': {
    data: {
      conversation_id: string;
      name?: string;
      description?: string | null;
      avatar_url?: string | null;
      policy?: {
        add?: 'admins' | 'members';
        post?: 'admins' | 'everyone';
        edit_info?: 'admins' | 'members';
        pin?: 'admins' | 'members';
      };
      slow_mode_seconds?: number;
      is_archived?: boolean;
    };
    answer: Conversation;
  };
  'DELETE /conversations/{conversation_id}': { data: { conversation_id: string }; answer: undefined };
  'GET /conversations/{conversation_id}': { data: { conversation_id: string }; answer: Conversation };
  'POST /conversations/{conversation_id}/join': { data: { conversation_id: string }; answer: Conversation };
  'POST /conversations/{conversation_id}/leave': { data: { conversation_id: string }; answer: undefined };
  'POST /conversations/{conversation_id}/participants': {
    data: { conversation_id: string; user_ids: string[]; role?: 'admin' | 'member' };
    answer: { items: Participant[]; next_cursor: string | null; has_more: boolean };
  };
  'GET /conversations/{conversation_id}/participants': {
    data: { conversation_id: string; limit?: number; cursor?: string; as_of?: string };
    answer: { items: Participant[]; next_cursor: string | null; has_more: boolean };
  };
  'POST /conversations/{conversation_id}/invites': {
    data: { conversation_id: string; expires_in?: number | null; max_uses?: number | null };
    answer: Invite;
  };
  'GET /conversations/{conversation_id}/invites': {
    data: { conversation_id: string; limit?: number; cursor?: string };
    answer: { items: Invite[]; next_cursor: string | null; has_more: boolean };
  };
  'POST /invites/{code}/accept': { data: { code: string }; answer: Conversation };
  'POST /conversations/{conversation_id}/messages': {
    data: {
      conversation_id: string;
      id?: string;
      content?: string;
      forward?: { conversation_id: string; message_id: string };
      message_type?: 'text' | 'image' | 'audio' | 'video' | 'file';
      reply_to?: string | null;
      attachments?: string[];
      metadata?: Record<string, unknown>;
    };
    answer: Message;
  };
  'GET /conversations/{conversation_id}/messages': {
    data: {
      conversation_id: string;
      limit?: number;
      cursor?: string;
      order?: 'desc' | 'asc';
      around?: string;
      as_of?: string;
    };
    answer: {
      items: Message[];
      prev_cursor?: string | null;
      next_cursor: string | null;
      has_more: boolean;
    };
  };
  'POST /conversations/{conversation_id}/polls': {
    data: {
      conversation_id: string;
      question: string;
      options: string[];
      multiple?: boolean;
      closes_at?: string | null;
    };
    answer: Poll;
  };
  'POST /conversations/{conversation_id}/read': { data: { conversation_id: string; up_to?: string }; answer: undefined };
  'POST /conversations/{conversation_id}/delivered': { data: { conversation_id: string; up_to?: string }; answer: undefined };
  'POST /conversations/{conversation_id}/unread': { data: { conversation_id: string; from: string }; answer: undefined };
  'POST /conversations/{conversation_id}/typing': { data: { conversation_id: string; is_typing: boolean }; answer: undefined };
  'GET /conversations/{conversation_id}/typing': {
    data: { conversation_id: string };
    answer: { items: { user_id: string; expires_at: string }[] };
  };
  'PATCH /conversations/{conversation_id}/settings': {
    data: {
      conversation_id: string;
      muted_until?: string | null;
      archived?: boolean;
      pinned?: boolean;
    };
    answer: Conversation;
  };
  'PUT /conversations/{conversation_id}/settings': {
    data: {
      conversation_id: string;
      muted_until?: string | null;
      archived?: boolean;
      pinned?: boolean;
    };
    answer: Conversation;
  };
  'PUT /users/me/blocks/{user_id}': { data: { user_id: string }; answer: undefined };
  'DELETE /users/me/blocks/{user_id}': { data: { user_id: string }; answer: undefined };
  'PUT /conversations/{conversation_id}/draft': {
    data: {
      conversation_id: string;
      content?: string;
      reply_to?: string | null;
      attachments?: string[];
    };
    answer: Draft;
  };
  'DELETE /conversations/{conversation_id}/draft': { data: { conversation_id: string }; answer: undefined };
  'GET /conversations/{conversation_id}/draft': { data: { conversation_id: string }; answer: Draft };
  'POST /conversations/{conversation_id}/scheduled': {
    data: {
      conversation_id: string;
      send_at: string;
      id?: string;
      content: string;
      message_type?: 'text' | 'image' | 'audio' | 'video' | 'file';
      reply_to?: string | null;
      attachments?: string[];
      metadata?: Record<string, unknown>;
    };
    answer: Scheduled;
  };
  'PATCH /scheduled/{scheduled_id}': { data: { scheduled_id: string; send_at?: string; content?: string }; answer: Scheduled };
  'PUT /scheduled/{scheduled_id}': { data: { scheduled_id: string; send_at?: string; content?: string }; answer: Scheduled };
  'DELETE /scheduled/{scheduled_id}': { data: { scheduled_id: string }; answer: undefined };
  'GET /scheduled/{scheduled_id}': { data: { scheduled_id: string }; answer: Scheduled };
  'DELETE /reminders/{reminder_id}': { data: { reminder_id: string }; answer: undefined };
  'GET /reminders/{reminder_id}': { data: { reminder_id: string }; answer: Reminder };
  'DELETE /bots/{bot_id}': { data: { bot_id: string }; answer: undefined };
  'GET /bots/{bot_id}': { data: { bot_id: string }; answer: Bot };
  'POST /conversations/{conversation_id}/hooks': { data: { conversation_id: string; name: string }; answer: Hook };
  'POST /hooks/{token}': { data: { token: string; content: string }; answer: Message };
  'DELETE /webhooks/{webhook_id}': { data: { webhook_id: string }; answer: undefined };
  'GET /webhooks/{webhook_id}': { data: { webhook_id: string }; answer: Webhook };
  'POST /webhooks/{webhook_id}/resume': { data: { webhook_id: string }; answer: Webhook };
  'DELETE /attachments/{attachment_id}': { data: { attachment_id: string }; answer: undefined };
  'GET /attachments/{attachment_id}': { data: { attachment_id: string }; answer: Attachment };
  'PUT /conversations/{conversation_id}/rules': {
    data: {
      conversation_id: string;
      blocklist?: boolean;
      words?: string[];
      links?: boolean;
      max_mentions?: number | null;
    };
    answer: { blocklist: boolean; words: string[]; links: boolean; max_mentions: number | null };
  };
  'GET /conversations/{conversation_id}/rules': {
    data: { conversation_id: string };
    answer: { blocklist: boolean; words: string[]; links: boolean; max_mentions: number | null };
  };
  'GET /users/{user_id}': { data: { user_id: string }; answer: UserWithPresence };
  'GET /conversations/{conversation_id}/bans': {
    data: { conversation_id: string; limit?: number; cursor?: string };
    answer: { items: Ban[]; next_cursor: string | null; has_more: boolean };
  };
  'GET /invites/{code}': {
    data: { code: string };
    answer: {
      code: string;
      conversation: {
        id: string;
        type: 'direct' | 'group' | 'channel';
        name: string | null;
        description: string | null;
        avatar_url: string | null;
        member_count: number;
      };
      invited_by: { id: string; username: string; display_name: string; avatar_url: string | null };
      expires_at: string | null;
    };
  };
  'GET /conversations/{conversation_id}/pins': {
    data: { conversation_id: string; limit?: number; cursor?: string; as_of?: string };
    answer: { items: Message[]; next_cursor: string | null; has_more: boolean };
  };
  'GET /conversations/{conversation_id}/online-users': {
    data: { conversation_id: string; limit?: number; cursor?: string };
    answer: {
      items: {
        user_id: string;
        status: 'online' | 'away' | 'busy' | 'offline';
        status_text: string | null;
        last_seen: string | null;
        user: { id: string; username: string; display_name: string; avatar_url: string | null };
      }[];
      next_cursor: string | null;
      has_more: boolean;
    };
  };
  'GET /conversations/{conversation_id}/events': {
    data: { conversation_id: string; limit?: number; after?: string; cursor?: string };
    answer: { items: Event[]; next_cursor: string | null; has_more: boolean };
  };
  'GET /webhooks/{webhook_id}/deliveries': {
    data: { webhook_id: string; limit?: number; cursor?: string };
    answer: { items: Delivery[]; next_cursor: string | null; has_more: boolean };
  };
  'PATCH /conversations/{conversation_id}/participants/{user_id}': {
    data: { conversation_id: string; user_id: string; role: 'owner' | 'admin' | 'member' };
    answer: Participant;
  };
  'PUT /conversations/{conversation_id}/participants/{user_id}': {
    data: { conversation_id: string; user_id: string; role: 'owner' | 'admin' | 'member' };
    answer: Participant;
  };
  'DELETE /conversations/{conversation_id}/participants/{user_id}': { data: { conversation_id: string; user_id: string }; answer: undefined };
  'PUT /conversations/{conversation_id}/bans/{user_id}': {
    data: {
      conversation_id: string;
      user_id: string;
      until?: string | null;
      reason?: string | null;
    };
    answer: Ban;
  };
  'DELETE /conversations/{conversation_id}/bans/{user_id}': { data: { conversation_id: string; user_id: string }; answer: undefined };
  'DELETE /conversations/{conversation_id}/invites/{code}': { data: { conversation_id: string; code: string }; answer: undefined };
  'PATCH /conversations/{conversation_id}/messages/{message_id}': {
    data: { conversation_id: string; message_id: string; content: string };
    answer: Message;
  };
  'PUT /conversations/{conversation_id}/messages/{message_id}': {
    data: { conversation_id: string; message_id: string; content: string };
    answer: Message;
  };
  'DELETE /conversations/{conversation_id}/messages/{message_id}': { data: { conversation_id: string; message_id: string }; answer: undefined };
  'GET /conversations/{conversation_id}/messages/{message_id}': { data: { conversation_id: string; message_id: string; as_of?: string }; answer: Message };
  'PUT /conversations/{conversation_id}/messages/{message_id}/pin': { data: { conversation_id: string; message_id: string }; answer: Message };
  'DELETE /conversations/{conversation_id}/messages/{message_id}/pin': { data: { conversation_id: string; message_id: string }; answer: Message };
  'PUT /conversations/{conversation_id}/polls/{poll_id}/votes': { data: { conversation_id: string; poll_id: string; options: number[] }; answer: Poll };
  'POST /conversations/{conversation_id}/polls/{poll_id}/close': { data: { conversation_id: string; poll_id: string }; answer: Poll };
  'POST /conversations/{conversation_id}/messages/{message_id}/read': { data: { conversation_id: string; message_id: string }; answer: undefined };
  'GET /conversations/{conversation_id}/messages/{message_id}/revisions': {
    data: { conversation_id: string; message_id: string; limit?: number; cursor?: string };
    answer: { items: Revision[]; next_cursor: string | null; has_more: boolean };
  };
  'GET /conversations/{conversation_id}/messages/{message_id}/replies': {
    data: {
      conversation_id: string;
      message_id: string;
      limit?: number;
      cursor?: string;
      order?: 'asc' | 'desc';
      as_of?: string;
    };
    answer: { items: Message[]; next_cursor: string | null; has_more: boolean };
  };
  'GET /conversations/{conversation_id}/polls/{poll_id}': { data: { conversation_id: string; poll_id: string }; answer: Poll };
  'GET /conversations/{conversation_id}/messages/{message_id}/receipts': {
    data: {
      conversation_id: string;
      message_id: string;
      limit?: number;
      cursor?: string;
      as_of?: string;
    };
    answer: {
      items: { user_id: string; delivered_at: string; read_at: string | null }[];
      next_cursor: string | null;
      has_more: boolean;
    };
  };
  'PUT /conversations/{conversation_id}/messages/{message_id}/reactions/{emoji}': { data: { conversation_id: string; message_id: string; emoji: string }; answer: Message };
  'DELETE /conversations/{conversation_id}/messages/{message_id}/reactions/{emoji}': { data: { conversation_id: string; message_id: string; emoji: string }; answer: Message };
  'GET /conversations/{conversation_id}/messages/{message_id}/reactions/{emoji}': {
    data: {
      conversation_id: string;
      message_id: string;
      emoji: string;
      limit?: number;
      cursor?: string;
      as_of?: string;
    };
    answer: {
      items: { user_id: string; reacted_at: string }[];
      next_cursor: string | null;
      has_more: boolean;
    };
  };
}
