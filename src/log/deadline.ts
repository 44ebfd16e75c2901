/** A wait that ends: the work's own result, or after `ms` what `late` answers or throws. The work itself goes on, and nobody hears of it. */
export async function within<T>(ms: number, work: Promise<T>, late: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, ms, 'late');
  });
  try {
    const first = await Promise.race([work.then((result) => ({ result })), tooLate]);
    return first === 'late' ? late() : first.result;
  } finally {
    clearTimeout(timer);
  }
}
