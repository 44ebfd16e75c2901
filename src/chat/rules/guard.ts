/** Which event set a conversation's rules, as `lua/rules.change.lua` keeps it in the head, and how it follows from the log. Pure. */
import { guards } from '../../log/guard.ts';
import { NO_RULES, RulesChanged } from './contract.ts';
import type { Rules } from './contract.ts';

export const isSame = (some: Rules, others: Rules): boolean => {
  const inOrder = ({ blocklist, words, links, max_mentions }: Rules) => [blocklist, words, links, max_mentions];
  return JSON.stringify(inOrder(some)) === JSON.stringify(inOrder(others));
};

export const refusesNothing = (rules: Rules): boolean => isSame(rules, NO_RULES);

export const ruleGuards = [
  guards(RulesChanged, (state, { id, data }) => state.set('head', 'rules', refusesNothing(data) ? '' : id)),
];
