/**
 * The operators' and analysts' command line: `npm run chat -- <command>`. Each command is a file in `chat/`; here they are only put together
 * with the terminal of this process.
 */
import { existsSync } from 'node:fs';
import { runChat } from './chat/program.ts';
import { processTerminal } from './chat/terminal.ts';

if (existsSync('.env')) process.loadEnvFile('.env');
// Where `npm start` puts one on a machine that has none.
const ownRedis = '.cache/redis/redis-server';
if (!process.env['REDIS_SERVER'] && existsSync(ownRedis)) process.env['REDIS_SERVER'] = ownRedis;
process.exitCode = await runChat(process.argv.slice(2), processTerminal());
