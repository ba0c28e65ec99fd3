import type { FastifyBaseLogger } from 'fastify';

/**
 * A request's logger that is made when a request first writes a line of its own. Nearly none does: the one line that all have
 * is written without it, and making a child for each request costs more than writing that line.
 */
export function createLazyChildLogger(parent: FastifyBaseLogger, bindings: Record<string, unknown>): FastifyBaseLogger {
  let made: FastifyBaseLogger | undefined;
  const child = (): FastifyBaseLogger => (made ??= parent.child(bindings));
  const write =
    (level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal') =>
    (...args: readonly unknown[]): void => {
      const logger = child();
      Reflect.apply(logger[level], logger, args);
    };
  return {
    level: parent.level,
    trace: write('trace'),
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    fatal: write('fatal'),
    silent: () => undefined,
    child: (more, options) => child().child(more, options),
  } as FastifyBaseLogger;
}
