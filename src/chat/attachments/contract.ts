/** Attachments: the events of the uploader's own stream, and what a client gets. Pure data. */
import Type from 'typebox';
import type { Static } from 'typebox';
import { Id } from '../../envelope.ts';
import { event } from '../feature.ts';

const strict = { additionalProperties: false } as const;
const Count = Type.Integer({ minimum: 1 });

/** Where the bytes are: their hash, and the word of their key. */
const Kept = { sha256: Type.String(), word: Id };

const about = {
  file_name: Type.String(),
  content_type: Type.String({ description: 'What the content is, whatever the name says' }),
  size: Type.Integer({
    minimum: 0,
    description: 'Bytes, as they are kept: of a picture without what a camera wrote beside it',
  }),
  width: Type.Optional(Count),
  height: Type.Optional(Count),
  duration: Type.Optional(Type.Number({ minimum: 0, description: 'Seconds of what plays, where the file says so' })),
};

export const AttachmentUploaded = event({
  type: 'attachment.uploaded',
  version: 1,
  data: Type.Object({
    attachment_id: Id,
    ...about,
    kept: Type.Object(Kept),
    thumbnail: Type.Optional(Type.Object({ ...Kept, size: Count })),
  }),
});
export type Uploaded = Static<typeof AttachmentUploaded.data>;

/** All that is kept for an upload. */
export const filesOf = ({ kept, thumbnail }: Uploaded): { sha256: string; word: string }[] =>
  thumbnail ? [kept, thumbnail] : [kept];

export const AttachmentRemoved = event({
  type: 'attachment.removed',
  version: 1,
  data: Type.Object({
    attachment_id: Id,
    /** Id of the event that brought it. */
    uploaded: Type.String(),
  }),
});

/** Where clients find attachments. */
export const ATTACHMENTS = '/api/v1/attachments';

/** What a message tells of a file that it carries. It stands in the log, so its addresses are not signed. */
export const Attached = Type.Object(
  {
    id: Id,
    ...about,
    url: Type.String({
      description:
        'Below this server: the bytes, for whoever shows an access token. `GET /attachments/{id}` gives addresses that are signed',
    }),
    thumbnail_url: Type.Optional(Type.String({ description: 'The same for a small picture' })),
  },
  strict,
);
export type Attached = Static<typeof Attached>;

export function attachedOf({ attachment_id: id, kept: _kept, thumbnail, ...described }: Uploaded): Attached {
  const url = `${ATTACHMENTS}/${id}`;
  return {
    id,
    ...described,
    url: `${url}/content`,
    ...(thumbnail ? { thumbnail_url: `${url}/thumbnail` } : {}),
  };
}

export const AttachmentAnswer = Type.Object(
  {
    id: Id,
    ...about,
    url: Type.String({ description: 'Below this server: the bytes, for whoever has the address, until it expires' }),
    thumbnail_url: Type.Optional(Type.String({ description: 'A picture of at most 320 pixels a side, likewise' })),
    expires_at: Type.String({ format: 'date-time', description: 'When the two addresses expire' }),
  },
  strict,
);

export const AttachmentTarget = Type.Object({ attachment_id: Id }, strict);

/** Of an address that is signed; without both, an access token is needed. */
export const ContentTarget = Type.Object(
  {
    attachment_id: Id,
    expires: Type.Optional(Type.String({ maxLength: 12, description: 'Unix seconds' })),
    signature: Type.Optional(Type.String({ maxLength: 64 })),
  },
  strict,
);
