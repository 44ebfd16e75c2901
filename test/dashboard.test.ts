/** The dashboard and the alerts for operators: whole, and of metrics that a node really has. That Prometheus takes them was tried by hand. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { load } from 'js-yaml';
import { OBSERVED } from '../src/metrics.ts';
import { useNodes } from './support/server.ts';
import { useWorld } from './support/world.ts';

const read = (path: string) => readFileSync(new URL(`../deploy/${path}`, import.meta.url), 'utf8');

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
}

const { panels } = JSON.parse(read('grafana/dashboard.json')) as { panels: Panel[] };
const { groups } = load(read('prometheus/alerts.yml')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((one) => one.rules);
const expressions = [...panels.flatMap(({ targets = [] }) => targets), ...rules].map(({ expr }) => expr);

/** Names in an expression that are metrics, and labels by which it asks or gathers. */
const metricsIn = (expr: string): string[] => expr.match(/\b(?:chat|process|nodejs)_[a-z0-9_]+/g) ?? [];
const labelsIn = (expr: string): string[] => [
  ...[...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(/,\s*/)),
  ...[...expr.matchAll(/[{,]\s*(\w+)=/g)].map(([, label]) => label!),
];

describe('the dashboard and the alerts', () => {
  const startNode = useNodes(useWorld());

  it('ask for metrics and labels that a node has', async () => {
    const node = await startNode();
    await (await fetch(`${node.base}/health`)).text();
    const text = await (await fetch(`${node.base}/metrics`)).text();
    const names = new Set(
      [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name, type]) =>
        type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name! + end) : [name!],
      ),
    );
    const asked = expressions.flatMap(metricsIn);
    expect(asked).to.have.length.above(40);
    expect(asked.filter((name) => !names.has(name))).to.deep.equal([]);
    // Prometheus adds the first two. The others are given where something was counted, which here nothing was.
    const labels = new Set(['instance', 'job', 'action', 'by', 'code', 'group']);
    for (const [, label] of text.matchAll(/[{,](\w+)="/g)) labels.add(label!);
    expect(expressions.flatMap(labelsIn).filter((label) => !labels.has(label))).to.deep.equal([]);
  });

  it('leave out nothing that a node tells of itself', () => {
    const asked = new Set(panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => metricsIn(expr))));
    expect(Object.keys(OBSERVED).filter((name) => !asked.has(name))).to.deep.equal([]);
  });

  it('say what each panel and alert means, and lead from late deliveries to each reason', () => {
    const rows = panels.filter(({ type }) => type === 'row').map(({ title }) => title);
    expect(rows.slice(0, 2)).to.deep.equal([
      'Are deliveries late?',
      'Why? From the top left: Redis, the network to it, the node, its readers',
    ]);
    const [from, to] = [rows[1], rows[2]].map((title) => panels.findIndex((panel) => panel.title === title));
    const reasons = panels
      .slice(from, to)
      .flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => metricsIn(expr)));
    for (const reason of ['append', 'round_trip', 'fsyncs', 'eventloop_lag', 'repairs', 'slow_sockets'])
      expect(
        reasons.some((name) => name.includes(reason)),
        reason,
      ).to.equal(true);
    for (const { alert, labels, annotations } of rules) {
      expect(labels['severity'], alert).to.be.oneOf(['page', 'ticket']);
      expect(annotations, alert).to.include.all.keys('summary', 'description');
    }
    expect(new Set(rules.map(({ alert }) => alert)).size).to.equal(rules.length);
  });
});
