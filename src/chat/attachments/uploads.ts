/**
 * The way of a file from a request to an attachment: received, looked at, kept, and only then told in the log, so that whoever sees an
 * attachment finds its bytes. What fails on the way leaves nothing: the folder goes, what was held is let go, and where the process ends
 * before that, timers look after it.
 */
import { join } from 'node:path';
import type { Context } from '../../envelope.ts';
import { fail, isRefusal } from '../../errors.ts';
import { filesFolder } from '../../files/file-store.ts';
import type { LocalFile } from '../../files/store.ts';
import { userStream } from '../../keys.ts';
import { Turns } from '../../turns.ts';
import { derivedId } from '../derived-id.ts';
import type { Deps } from '../feature.ts';
import { firstEvent } from '../repeats.ts';
import type { TextFile } from '../services.ts';
import type { Uploaded } from './contract.ts';
import { decodedUpload } from './data-url.ts';
import { cleanFileName } from './file-name.ts';
import type { Holding } from './holding.ts';
import { inspected } from './inspection.ts';
import type { Inspected } from './inspection.ts';
import { Incoming } from './receiving.ts';
import type { Receive } from './receiving.ts';

/** An upload that no message carries goes after a day. */
export const KEEP_UNUSED_MS = 86_400_000;
/** Unpacked pictures are large. */
const LOOKED_AT_AT_ONCE = 2;
/** What stands around the file in a request. */
const AROUND_BYTES = 16_384;

export interface Taken {
  readonly uploaded: Uploaded;
  readonly eventId: string;
}

interface Coming {
  readonly id: string;
  readonly allowed: ReadonlySet<string>;
  readonly receive: Receive<string>;
}

type Parts = Pick<Deps, 'log' | 'config' | 'decode' | 'limits'> & { readonly holding: Holding };
type Of = Pick<Context, 'caller' | 'requestId' | 'now' | 'newId' | 'tellLeft'>;

export class Uploads {
  private readonly parts: Parts;
  private readonly incoming: Incoming;
  private readonly turns = new Turns(LOOKED_AT_AT_ONCE);

  constructor(parts: Parts) {
    this.parts = parts;
    const { config } = parts;
    this.incoming = new Incoming(join(filesFolder(config), 'incoming'), config.MAX_FILE_SIZE);
  }

  /** Throws what the file is refused with. */
  fromRequest(context: Of & Pick<Context, 'upload'>): Promise<Taken> {
    const { upload } = context;
    if (!upload) throw fail('validation_failed', 'A file must come with the request');
    if ((upload.length ?? 0) > this.parts.config.MAX_FILE_SIZE + AROUND_BYTES) throw this.incoming.tooLarge();
    const { ALLOWED_FILE_TYPES: allowed } = this.parts.config;
    const receive: Receive<string> = async (write) => (await upload.receive(write)).fileName;
    return this.take(context, { id: this.newId(context), allowed, receive });
  }

  /** Content that stands in a message itself, as a `data:` address. The same one of the same message gives the same attachment. */
  async fromText(context: Of, { messageId, kind, address }: TextFile): Promise<Taken> {
    const { limits, config } = this.parts;
    const bytes = decodedUpload(address);
    const { userId } = context.caller;
    const id = this.inPartition(userId, (n) => derivedId('data', userId, messageId, address, String(n)));
    const receive: Receive<string> = async (write) => {
      await write(bytes);
      return '';
    };
    await limits.spendFor(context, 'upload');
    const allowed = new Set([...config.ALLOWED_FILE_TYPES].filter((type) => type.startsWith(`${kind}/`)));
    return this.take({ ...context, requestId: undefined }, { id, allowed, receive });
  }

  private take(context: Of, { id, allowed, receive }: Coming): Promise<Taken> {
    const { caller, newId, now } = context;
    return this.incoming.with(caller.userId, newId(), now, async (folder) => {
      const received = await this.incoming.receive(join(folder, 'received'), receive);
      const content = await this.turns.run(() => inspected(received.path, folder, allowed));
      return this.keep(context, id, received, content);
    });
  }

  private async keep(
    context: Of,
    id: string,
    received: LocalFile & { given: string },
    content: Inspected,
  ): Promise<Taken> {
    const { contentType: content_type, width, height, duration, thumbnail } = content;
    const { holding } = this.parts;
    const file = content.file ?? received;
    const held = [file, ...(thumbnail ? [thumbnail] : [])];
    const [word, small] = await Promise.all(held.map((each) => holding.keep(each, id, context.newId())));
    const uploaded: Uploaded = {
      attachment_id: id,
      file_name: nameOf(received.given, content_type),
      content_type,
      size: file.size,
      ...(width === undefined || height === undefined ? {} : { width, height }),
      ...(duration === undefined ? {} : { duration }),
      kept: { sha256: file.sha256, word: word! },
      ...(thumbnail ? { thumbnail: { sha256: thumbnail.sha256, word: small!, size: thumbnail.size } } : {}),
    };
    const letGo = () => Promise.allSettled(held.map(({ sha256 }) => holding.letGo(sha256, id)));
    try {
      const taken = await this.tell(context, uploaded, received);
      if (taken.uploaded.attachment_id !== id) await letGo();
      return taken;
    } catch (error) {
      // Only of what is refused it is sure that there is no such upload, nor was one before: the timer of what is held sees to the rest.
      if (isRefusal(error)) await letGo();
      throw error;
    }
  }

  private async tell(context: Of, uploaded: Uploaded, received: LocalFile): Promise<Taken> {
    const stream = userStream(context.caller.userId);
    const appended = await this.parts.log.append({
      script: 'attachment.upload',
      stream,
      by: context,
      body: [received.sha256, uploaded.file_name],
      args: {
        attachment: uploaded.attachment_id,
        keep_ms: String(KEEP_UNUSED_MS),
        data: JSON.stringify(uploaded),
      },
    });
    if (appended.status === 'ok') return { uploaded, eventId: appended.id };
    const first = await firstEvent<Uploaded>(this.parts, stream, appended.id);
    return { uploaded: first.data, eventId: appended.id };
  }

  private newId({ caller, newId }: Of): string {
    return this.inPartition(caller.userId, () => newId());
  }

  /** An id that lies with its user, so that one script may touch both, and whoever has the id knows where to look. */
  private inPartition(userId: string, draw: (n: number) => string): string {
    const { keys } = this.parts.log;
    for (let n = 0; ; n += 1) {
      const id = draw(n);
      if (keys.partitionOf(id) === keys.partitionOf(userId)) return id;
    }
  }
}

/** What has no name is called by what it is. */
function nameOf(given: string, contentType: string): string {
  if (given !== '') return cleanFileName(given);
  const [kind = '', form = ''] = contentType.split('/');
  return `${kind}.${form === 'mpeg' ? 'mp3' : form}`;
}
