/** `chat doctor`: looks at everything an installation rests on, and says what is wrong and what to do. Changes nothing. */
import type { Command } from 'commander';
import { readConfig } from '../../src/config.ts';
import { Connection } from '../../src/log/connection.ts';
import type { AsJson, CommandLine } from './command-line.ts';
import { examples } from './command-line.ts';
import { withLogAt, withRedis } from './connecting.ts';
import { finding } from './doctor/finding.ts';
import type { Finding } from './doctor/finding.ts';
import { checkChains, checkGroups, checkLeases, checkParked } from './doctor/log.ts';
import { checkDisk, checkPlatform } from './doctor/machine.ts';
import { checkClock, checkPersistence, checkRedis, checkSlots, mastersOf } from './doctor/redis.ts';
import { counted, table } from './printing.ts';
import { problemOf } from './problem.ts';

const REACHED_WITHIN_MS = 5_000;
const SIGNS = { ok: 'ok', warning: 'WARNING', problem: 'PROBLEM' } as const;

export function addDoctor(program: Command, line: CommandLine): void {
  program
    .command('doctor')
    .description('looks at settings, Redis, disk, clock, slots, leases and logs; says what is wrong and what to do')
    .option('--json', 'as JSON: [{check, state, found, advice}]')
    .addHelpText(
      'after',
      examples('doctor', 'doctor --json') + '\n\nEnds with 1 where it finds a problem; a warning is none.',
    )
    .action(async (options: AsJson) => {
      const findings = await examined(line);
      const count = (state: Finding['state']) => findings.filter((finding) => finding.state === state).length;
      const rows = findings.map(({ check, state, found }) => [check, SIGNS[state], found]);
      const advice = findings.flatMap(({ check, advice: text }) => (text === undefined ? [] : [`${check}: ${text}\n`]));
      const sums = [counted(count('problem'), 'problem'), counted(count('warning'), 'warning')];
      await line.show(options, {
        json: findings,
        text: `${table(['check', 'state', 'found'], rows)}${advice.length > 0 ? `\nWhat to do\n${advice.join('')}` : ''}\n${sums.join(', ')}\n`,
      });
      if (count('problem') > 0) line.foundProblem();
    });
}

/** Each part alone: what cannot be looked at is a finding as well, and ends only what rests on it. */
async function examined(line: CommandLine): Promise<Finding[]> {
  const findings: Finding[] = [checkPlatform()];
  const look = async (check: string, task: () => Promise<void>) => {
    try {
      await task();
    } catch (error) {
      const { code, message } = problemOf(error);
      findings.push({ check, state: 'problem', found: `${message} (${code})`, advice: adviceOf(code) ?? message });
    }
  };
  await look('settings', async () => {
    readConfig(line.terminal.environment);
    findings.push({ check: 'settings', state: 'ok', found: 'every one can be read' });
  });
  await look('Redis', async () => {
    const { settings: config, terminal } = line;
    findings.push(await checkDisk(config.DATA_DIR));
    await withRedis(config, async (redis) => {
      const connection = await Connection.open(redis, () => {}, REACHED_WITHIN_MS);
      try {
        const masters = await mastersOf(connection);
        findings.push(...checkRedis(masters), ...(await checkPersistence(masters, config)));
        findings.push(await checkClock(connection));
        if (connection.isCluster) findings.push(...(await checkSlots(connection)));
      } finally {
        connection.close();
      }
      await look('log', () =>
        withLogAt({ redis, config, terminal }, async (log) => {
          findings.push(partitionsFound(log.keys.partitions, config.PARTITIONS));
          findings.push(await checkGroups(log), await checkLeases(log), await checkParked(log));
          findings.push(await checkChains(log, line.progress('logs')));
        }),
      );
    });
  });
  return findings;
}

const partitionsFound = (inRedis: number, asked: number): Finding =>
  finding('partitions', `${inRedis} in Redis, ${asked} in the settings`, [
    asked !== inRedis && {
      state: 'problem',
      advice: `set PARTITIONS=${inRedis}: a server with another number does not start`,
    },
  ]);

function adviceOf(code: string): string | undefined {
  if (code === 'settings') return 'correct the environment or .env; .env.example has every setting with its default';
  if (code === 'no_data') return 'start a server once, or name the Redis that it uses';
  if (code === 'unavailable') return 'see whether Redis runs, and whether address and password are right';
  return undefined;
}
