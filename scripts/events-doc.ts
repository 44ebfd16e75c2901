/** Writes `docs/events.md` from the contracts. A test holds the file against them. */
import { writeFileSync } from 'node:fs';
import { eventsDocument } from './events-document.ts';

writeFileSync(new URL('../docs/events.md', import.meta.url), eventsDocument());
