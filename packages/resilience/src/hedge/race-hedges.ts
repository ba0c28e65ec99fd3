import type { Timer } from '@tenon/core';
import type { CallScope } from '../call/call-scope.ts';
import type { Step } from '../call/invoke.ts';

/** What a race needs. */
export interface HedgeRace {
  readonly next: Step;
  readonly scope: CallScope;
  readonly delayMs: number;
  /** How many hedges there may be. */
  readonly most: number;
  /** Asked before each hedge. */
  readonly mayStart: (hedge: number) => boolean;
  /** Makes the reason that the losers are aborted with. */
  readonly superseded: () => unknown;
  /** Told when a hedge is the first to answer. */
  readonly onWin: () => void;
}

/** Runs a step, and again beside itself when it takes long. @returns the first success, or the first error when nothing is under way any more */
export function raceHedges(race: HedgeRace): Promise<unknown> {
  const { next, scope, delayMs, most, mayStart, superseded, onWin } = race;
  return new Promise((resolve, reject) => {
    const underWay = new Set<CallScope>();
    const firstError: unknown[] = [];
    let timer: Timer | undefined;
    let isOver = false;

    const end = (): void => {
      isOver = true;
      timer?.cancel();
      const reason = underWay.size === 0 ? undefined : superseded();
      for (const loser of underWay) loser.abort('superseded', reason);
    };
    const leave = (runner: CallScope): void => {
      underWay.delete(runner);
      runner.finish();
    };
    const start = (hedge: number): void => {
      const runner = scope.child(scope.attempt, hedge, scope.deadlineAtMs, true);
      underWay.add(runner);
      if (hedge < most) timer = scope.run.clock.schedule(() => startHedge(hedge + 1), delayMs);
      next(runner).then(
        (value) => {
          leave(runner);
          if (isOver) return;
          end();
          if (hedge > 0) onWin();
          resolve(value);
        },
        (error: unknown) => {
          leave(runner);
          if (isOver) return;
          firstError.push(error);
          if (underWay.size > 0) return;
          end();
          reject(firstError[0]);
        },
      );
    };
    const startHedge = (hedge: number): void => {
      if (!isOver && scope.aborted === undefined && mayStart(hedge)) start(hedge);
    };
    start(0);
  });
}
