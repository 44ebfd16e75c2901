/** The yardstick for pages: Node's own HTTP server, which answers whatever is asked with one page that is ready in memory. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** As many bytes as the product's page of 50 messages of 100 characters. */
const MESSAGE_BYTES = 530;
const items = Array.from({ length: 50 }, () => 'x'.repeat(MESSAGE_BYTES));
const page = Buffer.from(JSON.stringify({ items, next_cursor: '', has_more: true }));

const http = createServer((_, response) => {
  response.setHeader('Content-Type', 'application/json');
  response.setHeader('Content-Length', page.length);
  response.end(page);
});
http.listen(0, '127.0.0.1', () => process.stdout.write(`port ${(http.address() as AddressInfo).port}\n`));
