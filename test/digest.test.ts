/** Digests of keys: equal for equal content, however it came to be, and another for any changed byte. */
import { expect } from 'chai';
import { digestOf } from '../src/projector/digest.ts';
import { useWorld } from './support/world.ts';

describe('the digest of keys', () => {
  const world = useWorld();
  const redis = () => world.log.connection.commands;
  const many = Array.from({ length: 2_500 }, (_, n) => [`name ${n}`, String(n)] as const);

  it('does not depend on names of keys, order of writing or encoding', async () => {
    await redis().hset('a', ...many.flat());
    await redis().hset('b', ...many.toReversed().flat());
    await redis().zadd('c', ...many.flatMap(([name, score]) => [score, name]));
    await redis().zadd('d', ...many.toReversed().flatMap(([name, score]) => [score, name]));
    expect(await digestOf(world.log, ['a', 'c', 'none'])).to.equal(await digestOf(world.log, ['b', 'd', 'nothing']));
  });

  it('is another for any change', async () => {
    await redis().hset('a', 'x', '1', 'y', '2');
    await redis().zadd('z', 1, 'm');
    const digests = [await digestOf(world.log, ['a', 'z']), await digestOf(world.log, ['z', 'a'])];
    const changes: (() => Promise<unknown>)[] = [
      () => redis().hset('a', 'x', '12', 'y', ''),
      () => redis().hset('a', 'x', '2', 'y', '1'),
      () => redis().hdel('a', 'y'),
      () => redis().zadd('z', 2, 'm'),
      () => redis().zadd('z', 2, 'n'),
      () => redis().del('z'),
      () => redis().del('a'),
    ];
    for (const change of changes) {
      await change();
      digests.push(await digestOf(world.log, ['a', 'z']));
    }
    expect(new Set(digests).size).to.equal(digests.length);
  });
});
