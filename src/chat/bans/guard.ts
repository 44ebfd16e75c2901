/** Who is banned, as the append scripts keep it in the head (`lua/lib/bans.lua`), and how it follows from the log. Pure. */
import { guards } from '../../log/guard.ts';
import { banField } from '../access.ts';
import { BanAdded, BanRemoved } from './contract.ts';

export interface Ban {
  /** RFC 3339; null for one that does not end by itself. */
  readonly until: string | null;
  readonly reason: string | null;
}

/** A ban as the scripts keep it. */
export const banText = ({ until, reason }: Ban): string =>
  `${until === null ? '-' : Date.parse(until)} ${JSON.stringify(reason)}`;

export const banGuards = [
  guards(BanAdded, (state, { data }) => state.set('head', banField(data.user_id), banText(data))),
  guards(BanRemoved, (state, { data }) => state.remove('head', banField(data.user_id))),
];
