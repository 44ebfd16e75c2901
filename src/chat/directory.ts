/** The directories of users and of channels: names sort and are found without case, and an id makes each entry one of a kind. Pure. */

export const foldName = (name: string): string => name.normalize('NFC').toLowerCase();

export const directoryEntry = (name: string, id: string): string => `${foldName(name)}\n${id}`;

export const idOfEntry = (entry: string): string => entry.slice(entry.lastIndexOf('\n') + 1);
