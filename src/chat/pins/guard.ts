/** Which messages are pinned, as the append scripts keep it in the head (`lua/lib/pins.lua`), and how it follows from the log. Pure. */
import { guards } from '../../log/guard.ts';
import type { GuardState } from '../../log/guard.ts';
import { MessageDeleted } from '../messages/contract.ts';
import { MessagePinned, MessageUnpinned } from './contract.ts';

/** Ids of the pinned messages in the order of pinning. */
export const parsePins = (value: string): string[] => value.split(' ').filter((id) => id !== '');

const change = (state: GuardState, to: (ids: readonly string[]) => string[]): void => {
  const ids = to(parsePins(state.get('head', 'pins') ?? ''));
  state.set('head', 'pins', ids.map((id) => ` ${id}`).join(''));
};

export const pinGuards = [
  guards(MessagePinned, (state, { data }) => change(state, (ids) => [...ids, data.message_id])),
  guards(MessageUnpinned, (state, { data }) => change(state, (ids) => ids.filter((id) => id !== data.message_id))),
  guards(MessageDeleted, (state, { data }) => {
    if (state.get('head', 'pins')?.includes(data.message_id))
      change(state, (ids) => ids.filter((id) => id !== data.message_id));
  }),
];
