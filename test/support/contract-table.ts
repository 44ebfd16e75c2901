/**
 * Every path and every command of the public contract, by area. Who builds one that is pending takes it out of the list at the end: a
 * test fails while it stands there although it is built.
 */
export interface Area {
  /** `METHOD /path` below `/api/v1`; what stands in braces may have another name. */
  readonly paths: readonly string[];
  /** Types of frames that a WebSocket takes. */
  readonly frames?: readonly string[];
}

const CONVERSATION = '/conversations/{id}';
const MESSAGE = `${CONVERSATION}/messages/{message_id}`;

export const contract: Readonly<Record<string, Area>> = {
  auth: {
    paths: [
      'POST /auth/register',
      'POST /auth/login',
      'POST /auth/refresh',
      'POST /auth/logout',
      'GET /auth/sessions',
      'DELETE /auth/sessions',
      'GET /auth/sessions/{id}',
      'DELETE /auth/sessions/{id}',
      'POST /auth/ws-ticket',
    ],
    frames: ['ping', 'session.resume', 'conversation.sync'],
  },
  users: {
    paths: [
      'GET /users/me',
      'PATCH /users/me',
      'PUT /users/me',
      'DELETE /users/me',
      'PUT /users/me/password',
      'PUT /users/me/status',
      'GET /users/me/export',
      'GET /users',
      'GET /users/online',
      'GET /users/{id}',
    ],
    frames: ['presence.set', 'presence.watch'],
  },
  conversations: {
    paths: [
      'POST /conversations',
      'POST /conversations/direct',
      'GET /conversations',
      'GET /channels',
      `GET ${CONVERSATION}`,
      `PATCH ${CONVERSATION}`,
      `DELETE ${CONVERSATION}`,
      `POST ${CONVERSATION}/join`,
      `POST ${CONVERSATION}/leave`,
    ],
    frames: ['conversation.join', 'conversation.leave'],
  },
  participants: {
    paths: [
      `GET ${CONVERSATION}/participants`,
      `POST ${CONVERSATION}/participants`,
      `PATCH ${CONVERSATION}/participants/{user_id}`,
      `DELETE ${CONVERSATION}/participants/{user_id}`,
      `GET ${CONVERSATION}/online-users`,
    ],
  },
  rooms: {
    paths: [
      `POST ${CONVERSATION}/invites`,
      `GET ${CONVERSATION}/invites`,
      `DELETE ${CONVERSATION}/invites/{code}`,
      'GET /invites/{code}',
      'POST /invites/{code}/accept',
      `GET ${CONVERSATION}/bans`,
      `PUT ${CONVERSATION}/bans/{user_id}`,
      `DELETE ${CONVERSATION}/bans/{user_id}`,
    ],
  },
  messages: {
    paths: [
      `GET ${CONVERSATION}/messages`,
      `POST ${CONVERSATION}/messages`,
      `GET ${MESSAGE}`,
      `PATCH ${MESSAGE}`,
      `PUT ${MESSAGE}`,
      `DELETE ${MESSAGE}`,
      `GET ${MESSAGE}/replies`,
      `GET ${MESSAGE}/revisions`,
    ],
    frames: ['message.send', 'message.edit', 'message.delete'],
  },
  search: { paths: ['GET /search/messages'] },
  reactions: {
    paths: [`PUT ${MESSAGE}/reactions/{emoji}`, `DELETE ${MESSAGE}/reactions/{emoji}`],
    frames: ['reaction.add', 'reaction.remove'],
  },
  pins: {
    paths: [`PUT ${MESSAGE}/pin`, `DELETE ${MESSAGE}/pin`, `GET ${CONVERSATION}/pins`],
    frames: ['message.pin', 'message.unpin'],
  },
  polls: {
    paths: [
      `POST ${CONVERSATION}/polls`,
      `GET ${CONVERSATION}/polls/{poll_id}`,
      `PUT ${CONVERSATION}/polls/{poll_id}/votes`,
      `POST ${CONVERSATION}/polls/{poll_id}/close`,
    ],
  },
  receipts: {
    paths: [
      `POST ${CONVERSATION}/read`,
      `POST ${CONVERSATION}/unread`,
      `POST ${MESSAGE}/read`,
      `GET ${MESSAGE}/receipts`,
    ],
    frames: ['receipt.read', 'receipt.delivered'],
  },
  typing: {
    paths: [`POST ${CONVERSATION}/typing`, `GET ${CONVERSATION}/typing`],
    frames: ['typing.start', 'typing.stop'],
  },
  blocks: {
    paths: ['GET /users/me/blocks', 'PUT /users/me/blocks/{user_id}', 'DELETE /users/me/blocks/{user_id}'],
  },
  attachments: { paths: ['POST /attachments', 'GET /attachments/{id}'] },
  notifications: {
    paths: ['GET /notifications', 'POST /notifications/read', 'POST /push-subscriptions', 'DELETE /push-subscriptions'],
  },
  settings: { paths: [`PATCH ${CONVERSATION}/settings`] },
  time: {
    paths: [
      `PUT ${CONVERSATION}/draft`,
      `GET ${CONVERSATION}/draft`,
      `DELETE ${CONVERSATION}/draft`,
      'GET /drafts',
      `POST ${CONVERSATION}/scheduled`,
      'GET /scheduled',
      'PATCH /scheduled/{id}',
      'DELETE /scheduled/{id}',
      'POST /reminders',
      'GET /reminders',
      'GET /reminders/{id}',
      'DELETE /reminders/{id}',
    ],
  },
  bots: {
    paths: [
      'POST /bots',
      'GET /bots',
      'GET /bots/{id}',
      'DELETE /bots/{id}',
      `POST ${CONVERSATION}/hooks`,
      'POST /hooks/{token}',
      'POST /webhooks',
      'GET /webhooks',
      'GET /webhooks/{id}',
      'DELETE /webhooks/{id}',
    ],
  },
  events: { paths: [`GET ${CONVERSATION}/events`, 'GET /admin/events'] },
  system: {
    paths: ['GET /health/live', 'GET /health/ready', 'GET /health/detailed', 'GET /stats', 'GET /metrics'],
  },
};

/** Outside of `/api/v1`. */
export const pages = ['/', '/docs', '/redoc', '/openapi.json', '/asyncapi.json', '/docs/websocket', '/client'];

/** What is not built yet: `METHOD /path`, a frame's type or a page, and the feature that will bring it. */
export const pending: Readonly<Record<string, string>> = {};
