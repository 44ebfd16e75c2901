/** Which content a conversation refuses: owner and admins set it, everybody in it may read it. How it is held stands in `checking.ts`. */
import Type from 'typebox';
import { Id, invalid } from '../../envelope.ts';
import { conversationStream } from '../../keys.ts';
import { memberStanding } from '../access.ts';
import { command, query } from '../feature.ts';
import type { Command, Deps, Feature, Query } from '../feature.ts';
import { fold } from '../folding.ts';
import { isWord } from './check.ts';
import { rulesSetBy } from './checking.ts';
import { ChangeRules, NO_RULES, RulesAnswer, RulesChanged } from './contract.ts';
import type { Rules } from './contract.ts';
import { isSame, refusesNothing, ruleGuards } from './guard.ts';

export const rules: Feature = {
  events: [RulesChanged],
  guards: ruleGuards,
  serve: (deps) => ({ commands: [changeRules(deps)], queries: [showRules(deps)] }),
};

const PATH = '/conversations/{conversation_id}/rules';

async function currentRules({ log, decode }: Deps, id: string): Promise<Rules> {
  const [head] = await log.heads([conversationStream(id)], ['rules']);
  return rulesSetBy(log, decode, id, head?.rules ?? '');
}

/** Trimmed, and none twice. */
function checkedWords(words: readonly string[]): string[] {
  const wrong = words.findIndex((word) => !isWord(word));
  if (wrong >= 0) throw invalid([{ pointer: `/words/${wrong}`, message: 'must have a letter, a digit or a sign' }]);
  return [...new Map(words.map((word) => [fold(word.trim()), word.trim()])).values()];
}

function changeRules(deps: Deps): Command {
  const { log } = deps;
  return command({
    type: 'rules.change',
    about:
      'Sets which content a conversation refuses, as a whole: what is left out is not refused. For owner and admins',
    data: ChangeRules,
    answer: RulesAnswer,
    route: { method: 'PUT', path: PATH },
    socket: true,
    noun: 'rules',
    async run(context, { conversation_id: id, ...given }) {
      const wanted: Rules = { ...NO_RULES, ...given, words: checkedWords(given.words ?? []) };
      const isThere = isSame(wanted, await currentRules(deps, id));
      const appended = await log.append({
        script: 'rules.change',
        stream: conversationStream(id),
        by: context,
        body: [id, wanted],
        args: { state: refusesNothing(wanted) ? 'none' : 'some', data: isThere ? '' : JSON.stringify(wanted) },
      });
      // A repeat asks for the same, or the script refuses it: what the first one set is what is wanted.
      const body = appended.status === 'unchanged' ? await currentRules(deps, id) : wanted;
      return { body, eventId: appended.id };
    },
  });
}

function showRules(deps: Deps): Query {
  return query({
    name: 'rules.show',
    about: 'Which content a conversation refuses, from all but its owner and admins',
    data: Type.Object({ conversation_id: Id }, { additionalProperties: false }),
    answer: RulesAnswer,
    route: { method: 'GET', path: PATH },
    async run({ caller }, { conversation_id: id }) {
      await memberStanding(deps.log, caller.userId, id);
      return currentRules(deps, id);
    },
  });
}
