/** What work comes to, or something else where it takes longer. Leaves no timer behind. */
export async function inTime<T>(work: Promise<T>, ms: number, otherwise: T): Promise<T> {
  let late: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<T>((resolve) => (late = setTimeout(() => resolve(otherwise), ms)));
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(late);
  }
}
