/** Files as older clients send them: in the text of a message, as a `data:` address in base64. Pure. */
import { invalid } from '../../envelope.ts';

const DATA = /^data:[a-z0-9.+-]+\/[a-z0-9.+-]+(?:;[a-z0-9-]+=[^;,]*)*;base64,([A-Za-z0-9+/]*={0,2})$/i;

/** Throws `validation_failed`. */
export function decodedUpload(address: string): Buffer {
  const encoded = DATA.exec(address)?.[1];
  if (!encoded)
    throw invalid([{ pointer: '/content', message: 'must be a data: address in base64 that holds something' }]);
  return Buffer.from(encoded, 'base64');
}
