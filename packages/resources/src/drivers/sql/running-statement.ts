import { isCodedError, type Clock, type Timer } from '@tenon/core';
import type { ExposeContext } from '../../definition/resource-definition.ts';
import { resourceError, type ResourceError, type ResourceErrorCode } from '../../errors.ts';
import type { SqlConnection } from './sql-connection.ts';
import { toSqlError, type FailurePlace } from './sql-failure.ts';
import { endedBy, overdue } from './statement-end.ts';

/** What a {@link RunningStatement} works with. */
export interface RunningStatementOptions {
  readonly connection: SqlConnection<unknown>;
  readonly place: FailurePlace;
  readonly isRead: boolean;
  readonly clock: Clock;
  readonly cancelTimeoutMs: number;
  readonly lease: ExposeContext;
  /** When its caller asked for it, on the clock's monotonic scale. */
  readonly startedMs: number;
  readonly timeoutMs: number | undefined;
  /** When the server should long have ended it. */
  readonly limitMs: number;
}

const PROBE = 'select 1';

/**
 * A statement that the server works on. When it is to end early, the server is told so, and what it answers is waited for: then it has ended. When
 * no answer comes in time, the connection is dropped.
 */
export class RunningStatement {
  readonly #options: RunningStatementOptions;
  #ends: readonly AbortSignal[] = [];
  #timer: Timer | undefined;
  #reason: ResourceError | undefined;
  #cancelling: Promise<void> | undefined;
  #isOver = false;

  constructor(options: RunningStatementOptions) {
    this.#options = options;
  }

  /** Ends it with any of these, and after its own time. */
  listen(ends: readonly AbortSignal[]): void {
    const { clock, startedMs, timeoutMs, place } = this.#options;
    this.#ends = ends;
    for (const signal of ends) signal.addEventListener('abort', this.#onAbort, { once: true });
    if (timeoutMs === undefined) return;
    const leftMs = Math.max(0, timeoutMs - (clock.monotonicMs() - startedMs));
    this.#timer = clock.schedule(() => this.#interrupt(overdue(place.resource, timeoutMs)), leftMs);
  }

  /** Ends it when its lease was taken away, or when its answer is overdue. */
  look(): void {
    const { lease, place, clock, startedMs, limitMs } = this.#options;
    if (clock.monotonicMs() - startedMs > limitMs) this.#interrupt(overdue(place.resource, limitMs));
    else if (place.phase !== 'commit' && lease.signal.aborted) this.#interrupt(lostLease(lease, place.resource));
  }

  /** Its connection is taken away: what it then fails with has that reason. */
  lose(): void {
    this.#reason ??= lostLease(this.#options.lease, this.#options.place.resource);
  }

  /** @throws what it was to end with, when it has ended by itself meanwhile, and nothing came of it but an answer */
  assertWanted(): void {
    if (this.#reason !== undefined && this.#options.isRead) throw this.#reason;
  }

  /** What a failure of it means. */
  meaningOf(thrown: unknown): ResourceError {
    const { place } = this.#options;
    const reason = this.#reason;
    if (reason === undefined || thrown === reason) return toSqlError(thrown, place);
    const error = toSqlError(thrown, place);
    if (error.code === 'RESOURCE_COMMIT_UNKNOWN') return error;
    const { kind } = place.dialect.failureOf(thrown);
    if (kind === 'stopped') return reason;
    if (kind !== 'lost' && kind !== 'ended') return error;
    if (error.details['mayHaveBeenApplied'] !== true) return reason;
    // It was dropped without an answer of the server.
    const { code, message, details } = reason;
    return resourceError(code, `${message}. It may have been done all the same: look before you repeat it`, {
      cause: error,
      details: { ...details, mayHaveBeenApplied: true },
    });
  }

  /**
   * Puts everything away that watched it.
   *
   * @returns whether the connection can go on being used
   */
  settle(): true | Promise<boolean> {
    this.#isOver = true;
    for (const signal of this.#ends) signal.removeEventListener('abort', this.#onAbort);
    if (this.#cancelling !== undefined) return this.#proveFit(this.#cancelling);
    this.#timer?.cancel();
    return true;
  }

  readonly #onAbort = (): void => {
    const reason: unknown = this.#ends.find(({ aborted }) => aborted)?.reason;
    this.#interrupt(endedBy(this.#options.place.resource, reason));
  };

  #interrupt(reason: ResourceError): void {
    if (this.#isOver || this.#reason !== undefined) return;
    const { connection, clock, cancelTimeoutMs, place } = this.#options;
    this.#reason = reason;
    this.#timer?.cancel();
    if (place.phase === 'commit') {
      connection.destroy();
      return;
    }
    const patience = new AbortController();
    const outOfTime = new Promise<void>((resolve) => {
      this.#timer = clock.schedule(() => {
        patience.abort();
        connection.destroy();
        resolve();
      }, cancelTimeoutMs);
    });
    // When nobody can be told, the time decides.
    const told = connection.cancel(patience.signal).catch(() => undefined);
    this.#cancelling = Promise.race([told, outOfTime]);
  }

  /** A request to stop may come late, and then would hit the next statement: so there is one that it may hit. */
  async #proveFit(cancelling: Promise<void>): Promise<boolean> {
    const { connection, clock, cancelTimeoutMs } = this.#options;
    await cancelling;
    this.#timer?.cancel();
    if (connection.isBroken()) return false;
    const timer = clock.schedule(() => connection.destroy(), cancelTimeoutMs);
    try {
      if (!(await this.#answers())) await this.#answers();
    } finally {
      timer.cancel();
    }
    return !connection.isBroken();
  }

  /** @returns `false` when it was this that was stopped */
  async #answers(): Promise<boolean> {
    const { connection, place } = this.#options;
    try {
      await connection.run(PROBE, []);
      return true;
    } catch (thrown) {
      return place.dialect.failureOf(thrown).kind !== 'stopped';
    }
  }
}

function lostLease(lease: ExposeContext, resource: string): ResourceError {
  try {
    lease.assertHeld();
  } catch (error) {
    if (isCodedError<ResourceErrorCode>(error)) return error;
  }
  return resourceError(
    'RESOURCE_CANCELLED',
    `a statement for database "${resource}" was ended, as its connection was taken away`,
    {
      details: { resource },
    },
  );
}
