/** What a look at one thing came to. */
export interface Finding {
  readonly check: string;
  /** Only a problem means that something does not work, or that what is promised cannot be kept. */
  readonly state: 'ok' | 'warning' | 'problem';
  readonly found: string;
  /** What to do about it. */
  readonly advice?: string | undefined;
}

/** The gravest of some findings of one kind decides. */
export function finding(
  check: string,
  found: string,
  wrong: readonly (Omit<Finding, 'check' | 'found'> | false)[],
): Finding {
  const all = wrong.filter((one) => one !== false);
  const gravest = all.find(({ state }) => state === 'problem') ?? all[0];
  return { check, found, state: gravest?.state ?? 'ok', advice: gravest?.advice };
}
