/**
 * Runs jobs, so many at a time. Jobs settle their own results and never reject.
 *
 * @param isStopped - whether to begin no further job
 */
export async function inBounds(
  jobs: readonly (() => Promise<void>)[],
  concurrency: number,
  isStopped: () => boolean,
): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < jobs.length && !isStopped()) {
      const job = jobs[next] as () => Promise<void>;
      next += 1;
      await job();
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, jobs.length) }, work));
}
