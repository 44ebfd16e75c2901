/** `chat rules try`: what rules on content would have refused of real history, and how often, before anybody sets them. Changes nothing. */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { checkBy, isWord, loadBlocklist } from '../../src/chat/rules/check.ts';
import { refusesNothing } from '../../src/chat/rules/guard.ts';
import { tryRules } from '../../src/chat/rules/trying.ts';
import type { Refused } from '../../src/chat/rules/trying.ts';
import { events } from '../../src/chat/index.ts';
import { eventDecoder } from '../../src/log/decoder.ts';
import type { AsJson, CommandLine } from './command-line.ts';
import { examples } from './command-line.ts';
import { shortened, table } from './printing.ts';
import { usage } from './problem.ts';
import { conversationsOf } from './streams.ts';
import type { Named } from './streams.ts';

interface Options extends AsJson, Named {
  readonly words: string[];
  readonly blocklist: boolean;
  readonly links: boolean;
  readonly maxMentions: number | null;
  readonly show: number;
}

const MOST_OF_A_LINE = 80;

const wordsOf = (list: string): string[] => {
  const words = list.split(',').map((word) => word.trim());
  const wrong = words.find((word) => !isWord(word));
  if (wrong === undefined) return words;
  throw new InvalidArgumentError(`"${wrong}" has no letter, digit or sign to be found by`);
};

const countOf = (text: string): number => {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('it must be a number');
};

export function addRules(program: Command, line: CommandLine): void {
  program
    .command('rules')
    .description('rules on content')
    .command('try')
    .description('what these rules would have refused of what was written, by whomever; nothing is changed')
    .option('--conversation <id>', 'in one conversation')
    .option('--all', 'in all of them')
    .option('--words <list>', 'words and phrases, separated by commas; * stands for the rest of a word', wordsOf, [])
    .option('--blocklist', 'English swear words', false)
    .option('--no-links', 'links')
    .option('--max-mentions <count>', 'more mentions than so many', countOf, null)
    .option('--show <count>', 'of those refused show so many, the first ones', countOf, 20)
    .option('--json', 'as JSON: {rules, texts, refused, by_rule, items}')
    .addHelpText('after', examples("rules try --all --words 'spam*,buy now' --no-links"))
    .action((options: Options) =>
      line.withLog(async (log) => {
        const { words, blocklist, links, maxMentions } = options;
        const rules = { words, blocklist, links, max_mentions: maxMentions };
        if (refusesNothing(rules)) throw usage('name a rule: --words, --blocklist, --no-links or --max-mentions');
        const check = checkBy(rules, blocklist ? await loadBlocklist() : undefined);
        const streams = await conversationsOf(log, options);
        const decode = eventDecoder(events);
        const shown: Refused[] = [];
        const byRule: Record<string, number> = {};
        let texts = 0;
        const progress = line.progress('conversations');
        for (const [done, stream] of streams.entries()) {
          for await (const page of tryRules({ log, decode }, stream, check)) {
            texts += page.texts;
            for (const { rule } of page.refused) byRule[rule] = (byRule[rule] ?? 0) + 1;
            shown.push(...page.refused.slice(0, options.show - shown.length));
          }
          progress.at(done + 1, streams.length);
        }
        progress.end();
        const refused = Object.values(byRule).reduce((sum, count) => sum + count, 0);
        const rows = shown.map(({ event_id, conversation_id, sender_id, rule, content }) => [
          conversation_id,
          event_id,
          sender_id,
          rule,
          shortened(content, MOST_OF_A_LINE),
        ]);
        const parts = Object.entries(byRule).map(([rule, count]) => `${rule} ${count}`);
        const sum = `${refused} of ${texts} texts would have been refused${parts.length > 0 ? `: ${parts.join(', ')}` : ''}\n`;
        await line.show(options, {
          json: { rules, texts, refused, by_rule: byRule, items: shown },
          text: `${table(['conversation', 'event', 'sender', 'rule', 'text'], rows)}${sum}`,
        });
      }),
    );
}
