import { systemClock, type Clock } from '@tenon/core';
import type { Runner } from '../call/call.ts';
import { createRun } from '../call/create-run.ts';
import { invoke, type Step } from '../call/invoke.ts';
import type { ResilienceEventSink } from '../events/resilience-event.ts';

/** The kinds of strategy. */
export type StrategyKind = 'fallback' | 'rate-limit' | 'timeout' | 'retry' | 'hedge' | 'circuit-breaker' | 'bulkhead';

/** What every strategy takes. */
export interface StrategyOptions {
  /** The dependency that is guarded, as it stands in messages, events and metrics. A fixed set of names. Default `dependency`. */
  readonly name?: string;
  /** Default: the machine's clock. All strategies of a pipeline have the same one. */
  readonly clock?: Clock;
  /** Told what happens. Default: nobody. */
  readonly onEvent?: ResilienceEventSink;
}

/** The inner side of a strategy: only this package can make one. */
export const layer: unique symbol = Symbol('layer');

/** How a strategy takes part in a pipeline. */
export interface Layer<Alternative = unknown> {
  readonly clock: Clock;
  /** For the compiler alone: what the strategy may answer instead of the work's result. */
  readonly alternative?: Alternative;
  /** Puts the strategy around the steps within it. Called once for each pipeline, not for each call. */
  wrap(next: Step): Step;
}

/** One guard. It works alone by {@link Runner.run}, or as a part of a pipeline; a part may serve several pipelines, and its state is shared. */
export interface Strategy<
  Kind extends StrategyKind = StrategyKind,
  Statistics = object,
  Alternative = unknown,
> extends Runner<Alternative> {
  readonly kind: Kind;
  /** The dependency that is guarded. */
  readonly name: string;
  /** Counters since the strategy was made, and its present state. */
  statistics(): Statistics;
  readonly [layer]: Layer<Alternative>;
}

/** Resolves what every strategy takes. */
export function strategyConfig(options: StrategyOptions): { readonly name: string; readonly clock: Clock } {
  return { name: options.name ?? 'dependency', clock: options.clock ?? systemClock };
}

/** Makes a strategy of its parts. */
export function createStrategy<Kind extends StrategyKind, Statistics, Alternative = never>(parts: {
  readonly kind: Kind;
  readonly name: string;
  readonly clock: Clock;
  readonly statistics: () => Statistics;
  readonly wrap: (next: Step) => Step;
}): Strategy<Kind, Statistics, Alternative> {
  const { kind, name, clock, statistics, wrap } = parts;
  return { kind, name, statistics, run: createRun<Alternative>(wrap(invoke), clock), [layer]: { clock, wrap } };
}
