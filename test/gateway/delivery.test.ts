/**
 * Whatever happens, and in whatever order: messages, people who come and go, sockets that open, resume, synchronise, stand still and end,
 * tails that lag and lose their place, logs that lose their end, answers of Redis that come late. Each client is held against a model that
 * says what it may be sent.
 */
import fc from 'fast-check';
import type { Step } from '../support/delivery-model.ts';
import { DeliveryModel, weights } from '../support/delivery-model.ts';

describe('delivery', () => {
  it('every interleaving gives each client every event once and in order, nothing after the own leaving, and a reset only for a loss', async function () {
    this.timeout(60_000);
    const kinds = Object.entries(weights) as [Step['kind'], number][];
    const kind = fc.oneof(...kinds.map(([name, weight]) => ({ weight, arbitrary: fc.constant(name) })));
    const step = fc.record({ kind, a: fc.nat(1_000), b: fc.nat(1_000) });
    const isIt = async (all: readonly Step[]) => {
      const model = new DeliveryModel();
      for (const one of all) await model.do(one);
      await model.finish();
    };
    const all = fc.array(step, { minLength: 20, maxLength: 150, size: 'max' });
    await fc.assert(fc.asyncProperty(all, isIt), { numRuns: 100 });
  });
});
