/** What may happen to published messages between Redis and a node, which is never told: nothing that a reader gets may rest on them. */
import { Tail } from '../../src/log/tail.ts';

export const troubles = ['cut', 'delayed', 'doubled', 'short of every third'] as const;
export type Trouble = (typeof troubles)[number];

type Hear = (this: Tail, channel: string, message: Buffer) => void;
const prototype = Tail.prototype as unknown as { hear: Hear };
const DELAY_MS = 30;

/** From now on, for every tail of this process, until what it answers is called: that throws where no message met the trouble, since nothing was tried then. */
export function breakPush(trouble: Trouble): () => void {
  const { hear } = prototype;
  let count = 0;
  prototype.hear = function broken(channel, message) {
    count += 1;
    if (trouble === 'cut' || (trouble === 'short of every third' && count % 3 === 0)) return;
    const pass = () => hear.call(this, channel, message);
    if (trouble === 'delayed') setTimeout(pass, DELAY_MS);
    else pass();
    if (trouble === 'doubled') pass();
  };
  return () => {
    prototype.hear = hear;
    if (count === 0) throw new Error('no published message met the trouble');
  };
}
