/**
 * Applications that are made with the client library, behind lines that are cut and lose what was said on them, on nodes that are killed:
 * they write all the while, also without a connection, are reloaded with a full outbox, and their tokens expire. Nothing is lost, nothing
 * doubled, and what one wrote in a conversation stands there in the order in which it was written.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { App } from '../app.ts';
import { groups, people, persist } from '../client.ts';
import type { NodeProcess } from '../node-process.ts';
import type { Proxy } from '../proxy.ts';
import { eventually, Findings, judge, sum, within } from '../story.ts';
import type { Story, StoryOptions } from '../story.ts';
import { Truth } from '../truth.ts';
import { World } from '../world.ts';
import type { Role } from '../world.ts';

const ALL: readonly Role[] = ['api', 'gateway', 'projector'];

export const clients: Story = {
  name: 'clients',
  about:
    'applications over cut lines, killed nodes, reloads and expired tokens: nothing lost, nothing doubled, in order',
  async run(options) {
    const findings = new Findings(options.seed);
    return within(findings, await World.start(), (world) => cuts(options, findings, world));
  },
};

async function cuts({ short, minutes = 5, say }: StoryOptions, findings: Findings, world: World): Promise<void> {
  const { random } = findings;
  const nodes = await Promise.all([world.node(ALL), world.node(ALL)]);
  const lines = await Promise.all(nodes.map((node) => world.proxy(node.settings.port)));
  const apps = await gathered(world, findings, lines, short ? 6 : 20);
  for (const app of apps) app.start();
  // Who dies in between has not heard the last answer.
  const lossy = () => (random.chance(0.01) ? 'lose' : 'pass');
  for (const line of lines) line.replies(lossy);
  const ends = Date.now() + (short ? 6_000 : minutes * 60_000);
  const killing = killInTurn(nodes, ends, short ? 1_000 : 15_000, say);
  const reloads: Promise<void>[] = [];
  while (Date.now() < ends) {
    for (const app of apps) if (random.chance(0.5)) app.write();
    if (random.chance(0.05)) random.pick(lines).cut();
    if (random.chance(0.08)) reloads.push(random.pick(apps).reload());
    if (random.chance(0.08)) random.pick(apps).hasToken(random.between(-5_000, 3_000));
    await sleep(random.between(5, 60));
  }
  const kills = await killing;
  await Promise.all(reloads);
  for (const line of lines) line.replies(() => 'pass');

  const truth = new Truth(world.target);
  world.atEnd(() => truth.close());
  const isThrough = await eventually(async () => {
    const heads = await truth.heads();
    return apps.every((app) => app.isThrough(heads));
  }, 60_000);
  findings.expect(isThrough, `left to be sent: ${apps.map(({ outbox }) => outbox.size).join()}`);
  for (const app of apps) app.stop();
  for (const app of apps)
    for (const complaint of app.complaints.slice(0, 3)) findings.expect(false, `${app.name} ${complaint}`);
  findings.count('kills', kills);
  findings.count('reloads', sum(apps.map(({ lives }) => lives - 1)));
  findings.count('connects', sum(apps.map(({ connects }) => connects)));
  findings.count('renewals', sum(apps.map(({ renewals }) => renewals)));
  findings.count('replies lost', sum(lines.map(({ lost }) => lost)));
  findings.expect(sum(apps.map(({ connects }) => connects)) > 2 * apps.length, 'no line was cut: nothing was shown');
  findings.expect(sum(apps.map(({ renewals }) => renewals)) > 0, 'no token has expired: nothing was shown');
  await judge(findings, world, truth);
  await allThereInOrder(findings, truth, apps);
}

/** One after the other, so that one of them is always there or comes back. */
async function killInTurn(
  nodes: readonly NodeProcess[],
  ends: number,
  pauseMs: number,
  say: (line: string) => void,
): Promise<number> {
  let kills = 0;
  for (; Date.now() < ends; kills += 1) {
    await sleep(pauseMs);
    const node = nodes[kills % nodes.length]!;
    await node.kill();
    await sleep(pauseMs / 5);
    await node.start();
    if (kills % 10 === 9) say(`${kills + 1} kills`);
  }
  return kills;
}

async function gathered(world: World, findings: Findings, lines: readonly Proxy[], count: number): Promise<App[]> {
  const { random } = findings;
  const apis = world.bases('api');
  const users = await people(apis, 'app', count);
  const conversations = await groups(apis, users, 3);
  const bases = lines.map(({ port }) => `http://127.0.0.1:${port}`);
  return Promise.all(
    users.map(async (user) => {
      const body = { username: user.name, password: 'correct horse battery' };
      const login = await persist<{ access_token: string; refresh_token: string }>(apis, 'POST', '/auth/login', {
        body,
      });
      const { access_token: token, refresh_token: refreshToken } = login.body;
      const person = { ...user, token, refreshToken };
      const ledger = world.ledgers.of(user.name);
      return new App({ person, ledger, random: random.fork(), conversations, bases });
    }),
  );
}

/** Everything that was written is in the log, each writer's in the order of writing. That it is there once the ledgers say. */
async function allThereInOrder(findings: Findings, truth: Truth, apps: readonly App[]): Promise<void> {
  const placed = new Set<string>();
  let disorder = 0;
  for (const events of (await truth.logs()).values()) {
    const last = new Map<string, number>();
    for (const { message, content = '' } of events) {
      if (message === undefined) continue;
      placed.add(message);
      const [, who, n] = /^(\w+) says (\d+)$/.exec(content) ?? [];
      if (who === undefined) continue;
      if (Number(n) <= (last.get(who) ?? 0)) disorder += 1;
      last.set(who, Number(n));
    }
  }
  const missing = apps.flatMap(({ written }) => [...written].filter((id) => !placed.has(id)));
  findings.count('written', sum(apps.map(({ written }) => written.size)));
  findings.expect(missing.length === 0, `${missing.length} of what was written is not in the log, as ${missing[0]}`);
  findings.expect(disorder === 0, `${disorder} messages stand before an earlier one of the same writer`);
}
