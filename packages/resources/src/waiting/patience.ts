import type { Clock, Timer } from '@tenon/core';

/** A wait that can be made shorter, and never longer. */
export interface Patience {
  /** Resolves when it is over. */
  readonly isOver: Promise<void>;
  /** Milliseconds left; `Infinity` as long as there is no end. */
  remainingMs(): number;
  /** Ends in so many milliseconds from now, unless it would have ended before. */
  shortenTo(ms: number): void;
  /** Releases the timer. It is over then. */
  stop(): void;
}

/** Begins a wait without an end. */
export function createPatience(clock: Clock): Patience {
  const { promise, resolve } = Promise.withResolvers<void>();
  let endsMs = Infinity;
  let timer: Timer | undefined;
  const remainingMs = (): number => Math.max(0, endsMs - clock.monotonicMs());
  return {
    isOver: promise,
    remainingMs,
    shortenTo(ms) {
      const wantedMs = clock.monotonicMs() + ms;
      if (wantedMs >= endsMs) return;
      endsMs = wantedMs;
      timer?.cancel();
      timer = undefined;
      if (ms <= 0) resolve();
      else timer = clock.schedule(resolve, ms, { keepAlive: true });
    },
    stop() {
      timer?.cancel();
      resolve();
    },
  };
}
