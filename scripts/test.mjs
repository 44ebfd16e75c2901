// npm test: runs mocha as .mocharc.json says, on the named test files or on all.
// Usage: node scripts/test.mjs [mocha arguments] [test files]
import { runReady } from './ready.mjs';

const given = process.argv.slice(2);
const files = given.some((argument) => argument.endsWith('.ts')) ? [] : ['test/**/*.test.ts'];
await runReady(['node_modules/mocha/bin/mocha.js', ...given, ...files]);
