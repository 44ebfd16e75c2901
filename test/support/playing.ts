/** Small files that play, written byte by byte, each with what its container says of its length; what would be heard or seen is silence. */

const text = (words: string): Buffer => Buffer.from(words, 'latin1');

function whole32(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (const [i, n] of numbers.entries()) bytes.writeUInt32BE(n, 4 * i);
  return bytes;
}

function whole16(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(2 * numbers.length);
  for (const [i, n] of numbers.entries()) bytes.writeUInt16BE(n, 2 * i);
  return bytes;
}

function box(type: string, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([whole32(content.length + 8), text(type), content]);
}

/** An MP4 of one track, whose times are in ms: sound as a voice message has it, or pictures without sound. */
export function mp4(kind: 'audio' | 'video', seconds: number, brand = kind === 'audio' ? 'M4A ' : 'isom'): Buffer {
  const [none, ms, long] = [whole32(0, 0), 1_000, seconds * 1_000];
  const matrix = whole32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);
  const isSound = kind === 'audio';
  const [sample, media] = isSound
    ? [box('mp4a', Buffer.alloc(6), whole16(1), Buffer.alloc(8), whole16(2, 16, 0, 0, 48_000, 0)), box('smhd', none)]
    : [
        box('avc1', Buffer.alloc(6), whole16(1), Buffer.alloc(16), whole16(64, 48), Buffer.alloc(50)),
        box('vmhd', whole32(1), Buffer.alloc(8)),
      ];
  const table = [box('stsd', whole32(0, 1), sample!), box('stts', none), box('stsc', none), box('stco', none)];
  const where = box('dinf', box('dref', whole32(0, 1), box('url ', whole32(1))));
  const samples = box('stbl', ...table, box('stsz', whole32(0, 0, 0)));
  const track = box(
    'trak',
    box('tkhd', whole32(7, 0, 0, 1, 0, long), Buffer.alloc(16), matrix, whole32(0, 0)),
    box(
      'mdia',
      box('mdhd', whole32(0, 0, 0, ms, long), whole16(0x55c4, 0)),
      box('hdlr', none, text(isSound ? 'soun' : 'vide'), Buffer.alloc(13)),
      box('minf', media!, where, samples),
    ),
  );
  const rate = [whole32(0x10000), whole16(0x100), Buffer.alloc(10)];
  const header = box('mvhd', whole32(0, 0, 0, ms, long), ...rate, matrix, Buffer.alloc(24), whole32(2));
  const type = box('ftyp', text(brand), whole32(512), text(`${brand}isommp42`));
  return Buffer.concat([type, box('mdat', Buffer.alloc(64)), box('moov', header, track)]);
}

/** MPEG layer 3 of 128 kbit/s and 44.1 kHz; `told` has the number of frames and bytes in the first of them, as encoders of changing rates write it. */
export function mp3(seconds: number, kind: 'counted' | 'told'): Buffer {
  const frames = Math.round((seconds * 44_100) / 1_152);
  const frame = Buffer.alloc(417);
  frame.set([0xff, 0xfb, 0x90, 0x04]);
  const first = Buffer.from(frame);
  if (kind === 'told') first.set(Buffer.concat([text('Xing'), whole32(3, frames, 417 * frames)]), 36);
  return Buffer.concat([first, ...Array.from({ length: kind === 'told' ? 10 : frames - 1 }, () => frame)]);
}

const CRC = Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) value = (value << 1) ^ (value & 0x80000000 ? 0x04c11db7 : 0);
  return value >>> 0;
});

/** A page of Ogg with one packet; the position of the last one is the stream's length. */
function page(
  number: number,
  { flags, position, packet }: { flags: number; position: number; packet: Buffer },
): Buffer {
  const head = Buffer.alloc(28);
  head.write('OggS', 'latin1');
  head[5] = flags;
  head.writeBigUInt64LE(BigInt(position), 6);
  head.writeUInt32LE(7, 14);
  head.writeUInt32LE(number, 18);
  head.set([1, packet.length], 26);
  const all = Buffer.concat([head, packet]);
  const sum = all.reduce((crc, byte) => ((crc << 8) ^ CRC[((crc >>> 24) ^ byte) & 255]!) >>> 0, 0);
  all.writeUInt32LE(sum, 22);
  return all;
}

/** A voice message as browsers record it. */
export function opus(seconds: number): Buffer {
  const skipped = 312;
  const head = Buffer.alloc(19);
  head.write('OpusHead', 'latin1');
  head.set([1, 1], 8);
  head.writeUInt16LE(skipped, 10);
  head.writeUInt32LE(48_000, 12);
  const tags = Buffer.concat([text('OpusTags'), Buffer.from([4, 0, 0, 0]), text('test'), Buffer.alloc(4)]);
  const sound = Buffer.from([0xf8, 0xff, 0xfe]);
  return Buffer.concat([
    page(0, { flags: 2, position: 0, packet: head }),
    page(1, { flags: 0, position: 0, packet: tags }),
    page(2, { flags: 0, position: skipped + 960, packet: sound }),
    page(3, { flags: 4, position: skipped + seconds * 48_000, packet: sound }),
  ]);
}

export function vorbis(seconds: number): Buffer {
  const head = Buffer.alloc(30);
  head[0] = 1;
  head.write('vorbis', 1, 'latin1');
  head[11] = 1;
  head.writeUInt32LE(44_100, 12);
  head.set([0xb8, 1], 28);
  const about = [Buffer.from([3]), text('vorbis'), Buffer.from([4, 0, 0, 0]), text('test'), Buffer.alloc(4)];
  return Buffer.concat([
    page(0, { flags: 2, position: 0, packet: head }),
    page(1, { flags: 0, position: 0, packet: Buffer.concat([...about, Buffer.from([1])]) }),
    page(2, { flags: 4, position: seconds * 44_100, packet: Buffer.alloc(30) }),
  ]);
}

export function wav(seconds: number): Buffer {
  const rate = 8_000;
  const head = Buffer.alloc(44);
  head.write('RIFF', 'latin1');
  head.writeUInt32LE(36 + rate * seconds, 4);
  head.write('WAVEfmt ', 8, 'latin1');
  head.writeUInt32LE(16, 16);
  for (const [at, value] of [1, 1].entries()) head.writeUInt16LE(value, 20 + 2 * at);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write('data', 36, 'latin1');
  head.writeUInt32LE(rate * seconds, 40);
  return Buffer.concat([head, Buffer.alloc(rate * seconds, 128)]);
}
