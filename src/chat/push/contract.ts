/** Push: what a client sends and gets, and what its service worker is told. Pure data. */
import Type from 'typebox';
import type { Static } from 'typebox';

const strict = { additionalProperties: false } as const;
const Base64Url = (words: string) =>
  Type.String({ maxLength: 128, pattern: '^[A-Za-z0-9_-]+={0,2}$', words, description: words });

const Endpoint = Type.String({
  maxLength: 2048,
  format: 'web-address',
  words: 'must be the address that the browser gave',
});

/** As a browser's `PushSubscription` gives it as JSON. */
export const Subscribe = Type.Object(
  {
    endpoint: Endpoint,
    keys: Type.Object(
      {
        p256dh: Base64Url('must be a public key of P-256, in base64url'),
        auth: Base64Url('must be a secret of 16 bytes, in base64url'),
      },
      strict,
    ),
    expirationTime: Type.Optional(Type.Union([Type.Number(), Type.Null()])),
  },
  strict,
);
export const Unsubscribe = Type.Object({ endpoint: Endpoint }, strict);
export const SubscriptionAnswer = Type.Object(
  { endpoint: Type.String(), created_at: Type.String({ format: 'date-time' }) },
  strict,
);
export const PublicKey = {
  public_key: Type.String({
    description: "The server's VAPID key: `applicationServerKey` of a browser's subscription",
  }),
};

const HourOfDay = Type.String({
  maxLength: 5,
  pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$',
  words: 'must be a time of day, as 22:00',
});
const QuietHours = Type.Object(
  {
    from: HourOfDay,
    to: HourOfDay,
    time_zone: Type.String({ maxLength: 64, description: 'As Europe/Berlin' }),
  },
  strict,
);
const OrNull = Type.Union([QuietHours, Type.Null()]);
const previews = Type.Boolean({ description: 'Whether a push says who wrote and what' });
export const PushSettings = Type.Object({ previews, quiet_hours: OrNull }, strict);
export type PushSettings = Static<typeof PushSettings>;
export const ChangePushSettings = Type.Object(
  { previews: Type.Optional(previews), quiet_hours: Type.Optional(OrNull) },
  { ...strict, minProperties: 1 },
);
