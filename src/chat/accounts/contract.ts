/** Accounts: the events, and what a client sends and gets. Pure data. Password hashes, refresh tokens and e-mail are in no event. */
import Type from 'typebox';
import { Id } from '../../envelope.ts';
import { PictureUrl } from '../conversations/contract.ts';
import { event } from '../feature.ts';
import { PresenceAnswer } from '../presence/contract.ts';

const OrNull = Type.Union([Type.String(), Type.Null()]);

export const UserRegistered = event({
  type: 'user.registered',
  version: 1,
  data: Type.Object({
    username: Type.String(),
    display_name: Type.String(),
    avatar_url: OrNull,
    /** Of bots alone, and whose. */
    is_bot: Type.Optional(Type.Boolean()),
    owner_id: Type.Optional(Id),
  }),
});

/** Only what changed. */
export const UserUpdated = event({
  type: 'user.updated',
  version: 1,
  data: Type.Object({ display_name: Type.Optional(Type.String()), avatar_url: Type.Optional(OrNull) }),
});

export const UserDeleted = event({ type: 'user.deleted', version: 1, data: Type.Object({}) });

export const SessionEnded = event({
  type: 'session.ended',
  version: 1,
  data: Type.Object({
    session_id: Id,
    reason: Type.Enum(['logout', 'revoked', 'reuse', 'password_changed', 'account_deleted']),
  }),
  endsSession: ({ session_id }) => session_id,
});

/** A user as the others see one; `email` only on what is the caller's own. */
export interface User {
  readonly id: string;
  readonly username: string;
  readonly display_name: string;
  readonly avatar_url: string | null;
  readonly created_at: string;
  readonly email?: string | null;
  readonly is_bot?: true;
  readonly owner_id?: string;
}

const publicUser = {
  id: Id,
  username: Type.String(),
  display_name: Type.String(),
  avatar_url: OrNull,
  created_at: Type.String({ format: 'date-time' }),
  is_bot: Type.Optional(Type.Literal(true, { description: 'Bots alone have this, and whose they are' })),
  owner_id: Type.Optional(Id),
};
export const UserAnswer = Type.Object(publicUser, { additionalProperties: false });
export const OneUserAnswer = Type.Object({ ...publicUser, presence: PresenceAnswer }, { additionalProperties: false });
export const OwnUserAnswer = Type.Object({ ...publicUser, email: OrNull }, { additionalProperties: false });

const tokens = {
  access_token: Type.String(),
  refresh_token: Type.String(),
  token_type: Type.Literal('bearer'),
  expires_in: Type.Integer({ description: 'Seconds that the access token lives' }),
};
export const TokensAnswer = Type.Object(tokens, { additionalProperties: false });
export const LoggedInAnswer = Type.Object({ user: OwnUserAnswer, ...tokens }, { additionalProperties: false });

export const SessionAnswer = Type.Object(
  {
    id: Id,
    created_at: Type.String({ format: 'date-time' }),
    last_used_at: Type.String({ format: 'date-time' }),
    user_agent: Type.String(),
    ip: Type.String(),
    current: Type.Boolean(),
  },
  { additionalProperties: false },
);
export const TicketAnswer = Type.Object(
  { ticket: Type.String(), expires_in: Type.Integer() },
  { additionalProperties: false },
);

/** What a log-in or a refresh gives. */
export interface TokenPair {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly token_type: 'bearer';
  /** Seconds that the access token lives. */
  readonly expires_in: number;
}

/** Blanks around a name are passed over, here and where it is logged in with. */
const Username = Type.String({
  maxLength: 64,
  pattern: '^\\s*[A-Za-z0-9_.-]{3,32}\\s*$',
  words: 'must be 3 to 32 letters from A to Z, digits, or any of _ . -',
  description: 'Unique without case',
});
/** Every part ends at a character that the part cannot hold, so that matching takes one pass. */
const Email = Type.String({
  maxLength: 254,
  pattern: '^\\s*[^@\\s\\p{C}]+@[^@.\\s\\p{C}]+(\\.[^@.\\s\\p{C}]+)+\\s*$',
  words: 'must be an e-mail address, as ada@example.com',
  description: 'Unique without case; only its owner ever sees it',
});
export const DisplayName = Type.String({
  minLength: 1,
  maxLength: 256,
  description: '1 to 64 characters once normalised',
});
const NewPassword = Type.String({ maxLength: 256, description: '8 to 72 bytes of UTF-8' });
/** One that is there already may be anything short enough to be worth the comparing. */
const Password = Type.String({ maxLength: 256 });
const RefreshToken = Type.String({ minLength: 1, maxLength: 256 });

const strict = { additionalProperties: false } as const;

export const Register = Type.Object(
  {
    username: Username,
    password: NewPassword,
    display_name: Type.Optional(DisplayName),
    email: Type.Optional(Email),
  },
  strict,
);
export const LogIn = Type.Object(
  { username: Type.String({ minLength: 1, maxLength: 254, description: 'Username or e-mail' }), password: Password },
  strict,
);
export const Refresh = Type.Object({ refresh_token: RefreshToken }, strict);
export const SessionTarget = Type.Object({ id: Id }, strict);
export const Nothing = Type.Object({}, strict);
export const UpdateUser = Type.Object(
  { display_name: Type.Optional(DisplayName), avatar_url: Type.Optional(PictureUrl) },
  strict,
);
export const ChangePassword = Type.Object({ current_password: Password, new_password: NewPassword }, strict);
export const DeleteUser = Type.Object(
  {
    password: Password,
    erase: Type.Optional(Type.Boolean({ description: 'Also deletes every message that the user ever wrote' })),
  },
  strict,
);
