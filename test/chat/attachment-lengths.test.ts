/** How long uploads play, by samples of every container that is taken; one that is cut or broken tells nothing and breaks nothing. */
import { expect } from 'chai';
import { Random } from '../../scripts/prove/random.ts';
import { mp3, mp4, opus, vorbis, wav } from '../support/playing.ts';
import { group, register, useNodes } from '../support/server.ts';
import type { User } from '../support/server.ts';
import { upload, useFolder, webm } from '../support/uploading.ts';
import { useWorld } from '../support/world.ts';

/** What is sent, what it is, and how long it says that it plays. */
const SAMPLES: readonly (readonly [name: string, bytes: Buffer, type: string, seconds: number])[] = [
  ['a silent film', mp4('video', 7), 'video/mp4', 7],
  ['a voice message of a phone', mp4('audio', 3), 'audio/mp4', 3],
  ['sound in the container of films', mp4('audio', 4, 'isom'), 'audio/mp4', 4],
  ['mp3 of one rate', mp3(5, 'counted'), 'audio/mpeg', 5],
  ['mp3 that says how many frames it has', mp3(90, 'told'), 'audio/mpeg', 90],
  ['ogg with opus', opus(4), 'audio/ogg', 4],
  ['ogg with vorbis', vorbis(6), 'audio/ogg', 6],
  ['webm with opus', webm('audio', 2), 'audio/webm', 2],
  ['a film of a browser', webm('video', 8), 'video/webm', 8],
  ['wav', wav(2), 'audio/wav', 2],
];
const TYPES = [...new Set(SAMPLES.map(([, , type]) => type))].join(',');

describe('how long uploads play', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  const folder = useFolder();
  let ada: User;
  let warnings: readonly string[];
  beforeEach(async () => {
    const node = await startNode({ DATA_DIR: folder.path, ALLOWED_FILE_TYPES: TYPES });
    ({ warnings } = node);
    ada = await register(node);
  });

  it('is what the container says, without its being decoded, and is told by the message that carries it', async () => {
    const room = await group(ada);
    for (const [name, bytes, type, seconds] of SAMPLES) {
      const { status, body } = await upload(ada, bytes);
      expect(status, `${name}: ${JSON.stringify(body)}`).to.equal(201);
      expect(body.content_type, name).to.equal(type);
      expect(body.duration, name).to.be.closeTo(seconds, 0.05);
      const [message_type] = type.split('/');
      const sent = await ada.rest.post<{ attachments: { duration: number }[] }>(`/conversations/${room}/messages`, {
        message_type,
        attachments: [body.id],
      });
      expect(sent.body.attachments[0]!.duration, name).to.equal(body.duration);
    }
  });

  it('is not told of one that is cut short, broken or lies, and none of them is a fault of the server', async () => {
    const random = new Random(16);
    for (const [name, bytes, , seconds] of SAMPLES) {
      const cut = bytes.subarray(0, 40 + random.below(bytes.length - 40));
      const broken = Buffer.from(bytes);
      for (let n = 0; n < 24; n += 1) broken[12 + random.below(Math.min(600, bytes.length - 12))] = random.below(256);
      const full = Buffer.from(bytes).fill(0xff, 16, Math.min(200, bytes.length));
      for (const one of [cut, broken, full]) {
        const { status, body } = await upload(ada, one);
        expect(status, `${name}: ${JSON.stringify(body)}`).to.be.oneOf([201, 415]);
        if (body.duration !== undefined) expect(body.duration, name).to.be.within(0, Number.MAX_SAFE_INTEGER);
        if (one === cut && body.duration !== undefined) expect(body.duration, name).to.be.at.most(seconds + 0.05);
      }
    }
    expect(warnings).to.deep.equal([]);
  });

  it('is not told where a film says nothing or says it wrong', async () => {
    const film = mp4('video', 7);
    const at = film.indexOf('mvhd') + 4;
    const wrong: Record<string, (bytes: Buffer) => void> = {
      'no scale': (bytes) => bytes.writeUInt32BE(0, at + 12),
      'no length': (bytes) => bytes.writeUInt32BE(0, at + 16),
      'a length that is not known': (bytes) => bytes.writeUInt32BE(0xffff_ffff, at + 16),
      'a box that goes on for ever': (bytes) => bytes.writeUInt32BE(0x7fff_ffff, film.indexOf('moov') - 4),
      'a box of nothing': (bytes) => bytes.writeUInt32BE(4, at - 8),
    };
    for (const [name, spoil] of Object.entries(wrong)) {
      const bytes = Buffer.from(film);
      spoil(bytes);
      const { status, body } = await upload(ada, bytes);
      expect([status, body.duration], name).to.deep.equal([201, undefined]);
    }
  });
});
