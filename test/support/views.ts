/** Views by the names under which they are kept, whatever their versions are by now. */
import { history } from '../../src/chat/messages/history.ts';
import { viewName } from '../../src/views/projection.ts';

export const HISTORY = viewName(history);
