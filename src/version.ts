/** What this program is, as documents and health tell it. */
export const VERSION = '0.1.0';
