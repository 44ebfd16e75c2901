/** How the image starts the program: what is measured and proven runs the same way. */
import { readFileSync } from 'node:fs';

const dockerfile = readFileSync(new URL('../Dockerfile', import.meta.url), 'utf8');
const command = /^CMD (\[.+\])$/m.exec(dockerfile)?.[1];
if (command === undefined) throw new Error('the Dockerfile has no CMD of its own line, as a JSON list');

/** Arguments of node, to be run in the folder of the project. */
export const imageArguments: readonly string[] = (JSON.parse(command) as string[]).slice(1);
