/** Which messages are pinned, as the append scripts keep it in the head: `lua/lib/pins.lua` writes it. Pure. */

/** Ids of the pinned messages in the order of pinning. */
export const parsePins = (value: string): string[] => value.split(' ').filter((id) => id !== '');
