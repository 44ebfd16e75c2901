/** The scripts of devices against their headers. */
import { expect } from 'chai';
import { userStream } from '../../src/keys.ts';
import { ChatError } from '../../src/errors.ts';
import { register } from '../support/projectors.ts';
import { user } from '../support/rooms.ts';
import { useWorld } from '../support/world.ts';

describe('device.open, device.save', () => {
  const world = useWorld();
  const stream = userStream(user(1));
  const open = (device: string, of = stream) =>
    world.log.append({ script: 'device.open', stream: of, actorId: of.id, knowsRepeats: true, args: { device } });
  const save = (device: string, ...marks: string[]) => world.log.run('device.save', stream, { device, marks });
  const stored = () => world.log.guardAll(stream, 'devices');
  beforeEach(() => register(world.log, 1));

  it('registers a device once, and answers by which event', async () => {
    const first = await open('-');
    expect(first.status).to.equal('ok');
    expect(await open('-')).to.deep.equal({ status: 'duplicate', id: first.id });
    const log = await world.log.readAfter(stream, '0-0');
    expect(log.filter(({ type }) => type === 'device.registered').map(({ id }) => id)).to.deep.equal([first.id]);
  });

  it('is for who is there', async () => {
    const refused: unknown = await open('phone', userStream(user(2))).catch((error: unknown) => error);
    expect((refused as ChatError).code).to.equal('not_found');
  });

  it('keeps twenty: the one that was not seen for longest gives way, with its marks', async () => {
    for (let n = 0; n < 20; n += 1) await open(`d${n}`);
    await save('d1', 'A', '5-1');
    await save('d10', 'A', '5-1');
    const key = world.log.keys.of(stream, 'devices');
    for (let n = 0; n < 20; n += 1)
      await world.log.connection.commands.hset(key, `:d${n}`, `1-1 ${n === 1 ? 1 : 100 + n}`);
    await open('new');
    const names = Object.keys(await stored());
    expect(names).to.have.length(21);
    expect(names).to.include.members([':new', ':d0', ':d10', 'd10 A']).and.not.include.members([':d1']);
    expect(names).to.not.include('d1 A');
  });

  it('moves a mark forward only, by the whole id: also over a log that began again', async () => {
    await open('phone');
    await save('phone', 'A', '5-9', 'B', '7-1');
    await save('phone', 'A', '5-10', 'B', '6-2');
    expect(await stored()).to.include({ 'phone A': '5-10', 'phone B': '7-1' });
    await save('phone', 'A', '8-3');
    expect(await stored()).to.include({ 'phone A': '8-3' });
    expect(await save('unknown', 'A', '8-3')).to.deep.equal(['unchanged']);
    expect(Object.keys(await stored())).to.not.include('unknown A');
  });
});
