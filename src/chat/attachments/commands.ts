/** Attachments: the feature's parts put together, and what a client asks for. */
import Type from 'typebox';
import type { Context } from '../../envelope.ts';
import { fail } from '../../errors.ts';
import { fileStoreOf } from '../../files/file-store.ts';
import { fileKey } from '../../files/store.ts';
import { userStream } from '../../keys.ts';
import { command, query } from '../feature.ts';
import type { Command, Deps, Feature, FileAnswer, Query } from '../feature.ts';
import type { Attachments } from '../services.ts';
import { AttachmentAccess } from './access.ts';
import { carrying, settling } from './carrying.ts';
import {
  attachedOf,
  AttachmentAnswer,
  AttachmentRemoved,
  AttachmentTarget,
  AttachmentUploaded,
  ContentTarget,
} from './contract.ts';
import type { Uploaded } from './contract.ts';
import { attachmentGuards } from './guard.ts';
import { Holding } from './holding.ts';
import { releasing } from './releasing.ts';
import { Signing } from './signing.ts';
import type { Part } from './signing.ts';
import { Uploads } from './uploads.ts';

type Parts = Pick<Deps, 'log' | 'decode' | 'config' | 'limits'>;

const partsOf = ({ log, decode, config, limits }: Parts) => {
  const store = fileStoreOf(config);
  return { log, decode, config, limits, store, access: new AttachmentAccess(log), holding: new Holding(log, store) };
};

/** Attachments for other features. */
export function attachmentsOf(deps: Parts): Attachments {
  const parts = partsOf(deps);
  const uploads = new Uploads(parts);
  return {
    ...carrying(parts),
    upload: (context) => uploads.fromRequest(context),
    fromText: async (context, file) => (await uploads.fromText(context, file)).uploaded.attachment_id,
  };
}

export const attachments: Feature = {
  events: [AttachmentUploaded, AttachmentRemoved],
  guards: attachmentGuards,
  serve(deps) {
    const parts = partsOf(deps);
    const signing = new Signing(deps.secretOf('addresses of attachments'));
    const reads = { ...parts, signing };
    return {
      commands: [upload(deps, signing), remove(deps)],
      queries: [described(reads), bytesOf(reads, 'content'), bytesOf(reads, 'thumbnail')],
      reactors: [releasing(parts)],
      timers: [settling(parts), parts.holding.lookingAfter((id, sha256) => parts.access.holds(id, sha256))],
    };
  },
};

function answerOf(signing: Signing, uploaded: Uploaded, now: number): object {
  const { id, url: _url, thumbnail_url: small, ...about } = attachedOf(uploaded);
  const expires = signing.expiry(now);
  return {
    id,
    ...about,
    url: signing.address(id, 'content', expires),
    ...(small === undefined ? {} : { thumbnail_url: signing.address(id, 'thumbnail', expires) }),
    expires_at: new Date(expires * 1_000).toISOString(),
  };
}

function upload({ attachments: files }: Deps, signing: Signing): Command {
  return command({
    type: 'attachment.upload',
    about:
      'Takes a file, for a message to carry. What it is, its content says; pictures are turned upright, and what a camera wrote beside ' +
      'them goes. One that no message carries goes after a day',
    data: Type.Object({}, { additionalProperties: false }),
    answer: AttachmentAnswer,
    route: { method: 'POST', path: '/attachments', status: 201 },
    socket: false,
    takesFile: true,
    limited: 'upload',
    anyKey: true,
    async run(context) {
      const { uploaded, eventId } = await files.upload(context);
      return { body: answerOf(signing, uploaded, context.now), eventId };
    },
  });
}

function remove({ log }: Deps): Command {
  return command({
    type: 'attachment.delete',
    about: "Takes one of the caller's uploads away that no message carries, and its bytes",
    data: AttachmentTarget,
    answer: null,
    route: { method: 'DELETE', path: '/attachments/{attachment_id}', status: 204 },
    socket: true,
    anyKey: true,
    async run(context, { attachment_id: attachment }) {
      const stream = userStream(context.caller.userId);
      const args = { attachment };
      return { eventId: (await log.append({ script: 'attachment.delete', stream, by: context, body: args, args })).id };
    },
  });
}

type Reads = ReturnType<typeof partsOf> & { readonly signing: Signing };

function described({ access, signing }: Reads): Query {
  return query({
    name: 'attachments.one',
    about:
      'An attachment, for whoever uploaded it or sees a message that carries it, with addresses of its bytes for an hour',
    data: AttachmentTarget,
    answer: AttachmentAnswer,
    route: { method: 'GET', path: '/attachments/{attachment_id}' },
    async run({ caller, now }, { attachment_id }) {
      return answerOf(signing, await access.seenBy(caller.userId, attachment_id), now);
    },
  });
}

function bytesOf({ access, signing, store }: Reads, part: Part): Query {
  async function seen({ caller, now }: Context, id: string, signed: { expires?: string; signature?: string }) {
    if (signed.signature === undefined) return access.seenBy(caller.userId, id);
    if (!signing.fits(id, part, signed, now)) throw fail('unauthenticated', 'This address has expired, or is not ours');
    const found = await access.find(id);
    if (!found) throw fail('not_found', 'There is no such attachment');
    return found.uploaded;
  }

  return query({
    name: `attachments.${part}`,
    about: part === 'content' ? 'The bytes of an attachment, or a range of them' : 'A small picture of an attachment',
    data: ContentTarget,
    answer: Type.String({ format: 'binary' }),
    route: { method: 'GET', path: `/attachments/{attachment_id}/${part}` },
    signed: true,
    givesFile: true,
    async run(context, { attachment_id, ...signed }): Promise<FileAnswer> {
      const { file_name, content_type, size, kept, thumbnail } = await seen(context, attachment_id, signed);
      if (part === 'thumbnail' && !thumbnail) throw fail('not_found', 'This attachment has no small picture');
      const file = part === 'thumbnail' ? thumbnail! : { ...kept, size };
      return {
        fileName: part === 'thumbnail' ? `${file_name}.webp` : file_name,
        contentType: part === 'thumbnail' ? 'image/webp' : content_type,
        size: file.size,
        etag: `"${file.sha256}"`,
        isShown: part === 'thumbnail' || /^(image|audio|video)\//.test(content_type),
        async read(range) {
          const stream = await store.read(fileKey(file.sha256, file.word), range);
          if (!stream) throw fail('not_found', 'The bytes of this attachment are not here');
          return stream;
        },
      };
    },
  });
}
