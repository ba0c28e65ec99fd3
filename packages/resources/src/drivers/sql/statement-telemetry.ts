import type { Attributes } from '@opentelemetry/api';
import { isCodedError, toError, type Clock, type Logger, type Telemetry } from '@tenon/core';
import type { SqlConnection } from './sql-connection.ts';
import type { SqlResult } from './sql-face.ts';
import { withoutLiterals, type StatementFacts } from './statement-facts.ts';

/** Shows what statements do: a span each, and a line for each slow one. */
export interface StatementTelemetry {
  observe(
    connection: SqlConnection<unknown>,
    text: string,
    facts: StatementFacts,
    work: () => Promise<SqlResult>,
  ): Promise<SqlResult>;
}

/**
 * Makes it. The names follow OpenTelemetry's conventions for databases (1.33). The text of statements is not in spans; in logs it is
 * without literals. Values are in neither.
 */
export function createStatementTelemetry(options: {
  readonly resource: string;
  readonly slowStatementMs: number;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly logger: Logger;
}): StatementTelemetry {
  const { resource, slowStatementMs, telemetry, clock, logger } = options;
  const attributesOf = new WeakMap<SqlConnection<unknown>, Map<string, Attributes>>();

  const describe = (connection: SqlConnection<unknown>, operation: string): Attributes => {
    let known = attributesOf.get(connection);
    if (known === undefined) attributesOf.set(connection, (known = new Map()));
    let attributes = known.get(operation);
    if (attributes === undefined) {
      const { system, target } = connection;
      attributes = {
        'db.system.name': system,
        'db.namespace': target.database,
        'db.operation.name': operation,
        'server.address': target.host,
        'server.port': target.port,
        'tenon.resource': resource,
      };
      known.set(operation, attributes);
    }
    return attributes;
  };

  const timed = async (text: string, operation: string, work: () => Promise<SqlResult>): Promise<SqlResult> => {
    const startedMs = clock.monotonicMs();
    let failure: unknown;
    try {
      return await work();
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      const durationMs = clock.monotonicMs() - startedMs;
      if (durationMs >= slowStatementMs) {
        const code = failure === undefined ? undefined : isCodedError(failure) ? failure.code : toError(failure).name;
        const statement = withoutLiterals(text);
        logger.warn(
          {
            resource,
            operation,
            durationMs: Math.round(durationMs),
            statement,
            ...(code === undefined ? {} : { code }),
          },
          'a statement was slow',
        );
      }
    }
  };

  return {
    observe(connection, text, { operation }, work) {
      const watched = slowStatementMs === 0 ? work : () => timed(text, operation, work);
      return telemetry.span(`${operation} ${resource}`, describe(connection, operation), async (span) => {
        try {
          return await watched();
        } catch (error) {
          const state = isCodedError(error) ? error.details['serverCode'] : undefined;
          if (typeof state === 'string') span.setAttribute('db.response.status_code', state);
          throw error;
        }
      });
    },
  };
}
