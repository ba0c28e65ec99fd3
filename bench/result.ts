import { cpus, totalmem } from 'node:os';

/** What a bench reports, and what `npm run -s bench -- NAME --json` prints. */
export interface BenchResult {
  /** The bench, as its file is called. */
  readonly name: string;
  /** Unit of `ours` and `peers`, for example `operations/s`. */
  readonly unit: string;
  /** Our figure, or one for each thing measured. */
  readonly ours: number | Readonly<Record<string, number>>;
  /** What we are compared with, measured in the same run. */
  readonly peers: Readonly<Record<string, number | Readonly<Record<string, number>>>>;
  /** Ours divided by a peer's; the bench's own comment says which side of 1 is better. */
  readonly ratios: Readonly<Record<string, number>>;
  /** How many rounds each median is of. */
  readonly runs: number;
  /** Where it ran, from {@link machine}. */
  readonly machine: string;
}

/** A bench file exports this as `run`. Progress goes to stderr through {@link progress}: stdout is for the result alone. */
export type Bench = () => Promise<BenchResult>;

/**
 * A size of a bench. With `--quick` the small one, which does everything and so little of it that the figures mean nothing: to
 * see that the bench itself works.
 */
export function sized(full: number, quick: number): number {
  return process.argv.includes('--quick') ? quick : full;
}

/** What {@link interleave} takes. */
export interface InterleaveOptions {
  /** How many turns each function takes. */
  readonly rounds: number;
  /** How long one turn lasts, in milliseconds. */
  readonly millisecondsPerRound: number;
}

/** The processor, memory, system and Node version, on one line. */
export function machine(): string {
  const processors = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return [
    `${processors.length} x ${processors[0]?.model.trim() ?? 'unknown processor'}`,
    memory,
    `${process.platform} ${process.arch}`,
    `Node ${process.version}`,
  ].join(', ');
}

/** Tells the person at the terminal how far a bench is. */
export function progress(message: string): void {
  process.stderr.write(`${message}\n`);
}

/** The middle value; the mean of the two middle ones when their number is even. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  const high = sorted[Math.floor(middle)] ?? Number.NaN;
  return (low + high) / 2;
}

/**
 * Measures functions that take turns in one process, so that a slow moment of the machine hits all of them: each round
 * lets each function run for a while, in an order that rotates. The first round only warms up and does not count.
 *
 * @param functions - what to call, by name; a function that returns a promise is awaited before its next call
 * @returns the median over the rounds, in calls per second, by name
 */
export async function interleave<Name extends string>(
  functions: Readonly<Record<Name, () => unknown>>,
  options: InterleaveOptions,
): Promise<Record<Name, number>> {
  const names = Object.keys(functions) as Name[];
  const figures = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round <= options.rounds; round += 1) {
    const shift = round % names.length;
    for (const name of [...names.slice(shift), ...names.slice(0, shift)]) {
      const callsPerSecond = await measure(functions[name], options.millisecondsPerRound);
      if (round > 0) figures.get(name)?.push(callsPerSecond);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(figures.get(name) ?? [])])) as Record<Name, number>;
}

async function measure(call: () => unknown, milliseconds: number): Promise<number> {
  // What an earlier turn left behind must not be collected on this one's time.
  globalThis.gc?.();
  const first = call();
  const waits = first instanceof Promise;
  await first;
  const start = performance.now();
  let calls = 0;
  let elapsed = 0;
  // The clock is read once a batch, as reading it costs as much as a fast call; a batch is about 1 ms.
  let batch = 1;
  while (elapsed < milliseconds) {
    for (let index = 0; index < batch; index += 1) {
      const result = call();
      if (waits) await result;
    }
    calls += batch;
    elapsed = performance.now() - start;
    batch = Math.max(1, Math.floor(calls / Math.max(1, elapsed)));
  }
  return (calls / elapsed) * 1000;
}
