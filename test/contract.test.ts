/** The public contract against a running node: every path and every frame is there, and one that is missing fails by its name. */
import { expect } from 'chai';
import type { Socket } from './support/client.ts';
import { contract, pages, pending } from './support/contract-table.ts';
import { register, useNodes } from './support/server.ts';
import type { Node } from './support/server.ts';
import { useWorld } from './support/world.ts';

/** Health and numbers are no commands and queries, so the document of those does not know them. */
const SYSTEM = /^GET \/(health|stats|metrics)/;
const anyName = (path: string): string => path.replaceAll(/\{\w+\}/g, '{}');

describe('the contract', () => {
  const world = useWorld();
  const startNode = useNodes(world);
  let node: Node;
  let socket: Socket;
  let described: Set<string>;
  beforeEach(async () => {
    node = await startNode();
    socket = await (await register(node)).socket();
    const document = (await (await fetch(`${node.base}/openapi.json`)).json()) as { paths: Record<string, object> };
    described = new Set(
      Object.entries(document.paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => anyName(`${method.toUpperCase()} ${path.replace('/api/v1', '')}`)),
      ),
    );
  });

  const isServed = async (path: string): Promise<boolean> => {
    const { status } = await fetch(node.base + path, { redirect: 'manual' });
    return status !== 404 && status !== 405;
  };
  const isBuilt = async (name: string): Promise<boolean> => {
    if (SYSTEM.test(name)) return isServed(`/api/v1${name.slice('GET '.length)}`);
    if (name.startsWith('/')) return isServed(name);
    if (name.includes(' ')) return described.has(anyName(name));
    const { error } = await socket.ask(name, {});
    return error?.code !== 'unknown_command';
  };
  async function missing(names: readonly string[]): Promise<string[]> {
    const built = await Promise.all(names.map(isBuilt));
    return names.filter((name, i) => !built[i] && !(name in pending));
  }

  for (const [area, { paths, frames = [] }] of Object.entries(contract)) {
    it(`${area}: every path and frame is there`, async () => {
      expect(await missing([...paths, ...frames])).to.deep.equal([]);
    });
  }

  it('every page is there', async () => {
    expect(await missing(pages)).to.deep.equal([]);
  });

  it('nothing is pending that is there, or that the contract does not have', async () => {
    const names = [...Object.values(contract).flatMap(({ paths, frames = [] }) => [...paths, ...frames]), ...pages];
    expect(Object.keys(pending).filter((name) => !names.includes(name))).to.deep.equal([]);
    const built: string[] = [];
    for (const name of Object.keys(pending)) if (await isBuilt(name)) built.push(name);
    expect(built, 'take these out of the list of what is pending').to.deep.equal([]);
  });
});
