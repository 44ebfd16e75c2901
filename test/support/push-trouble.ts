/** What may happen to published messages between Redis and a node, which is never told: nothing that a reader gets may rest on them. */
import { Channels } from '../../src/log/channels.ts';

export const troubles = ['cut', 'delayed', 'doubled', 'short of every third'] as const;
export type Trouble = (typeof troubles)[number];

type Heard = (this: Channels, channel: string, message: Buffer) => void;
const prototype = Channels.prototype as unknown as { heard: Heard };
const { heard } = prototype;
const DELAY_MS = 30;

/** From now on, for every listener of this process. */
export function breakPush(trouble: Trouble): void {
  let count = 0;
  prototype.heard = function broken(channel, message) {
    count += 1;
    if (trouble === 'cut' || (trouble === 'short of every third' && count % 3 === 0)) return;
    const pass = () => heard.call(this, channel, message);
    if (trouble === 'delayed') setTimeout(pass, DELAY_MS);
    else pass();
    if (trouble === 'doubled') pass();
  };
}

export function mendPush(): void {
  prototype.heard = heard;
}
