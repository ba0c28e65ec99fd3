import type { AddressInfo } from 'node:net';
import { toError } from '@tenon/core';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type pino from 'pino';
import { createApp, type RegisterRoutes } from './app.ts';
import { compose } from './compose.ts';
import { serverError } from './errors.ts';
import { prepareFirstStart, type FirstStart } from './first-start/prepare-first-start.ts';
import { startHousekeeping } from './housekeeping.ts';
import { createLogger } from './logging.ts';
import { startMetrics } from './metrics.ts';
import { createReadiness } from './readiness.ts';
import type { Services } from './services.ts';
import type { Settings } from './settings/settings.ts';
import { startTracing, type Tracing } from './tracing.ts';
import { version } from './version.ts';

// Long for whoever sends request after request, and short for whoever waits until the process has ended.
const LAST_REQUEST_MS = 1_000;
const CLOSE_MS = 3_000;

// Somebody else has the port, or it is not allowed; the address is not one of this machine, or no address.
const CANNOT_LISTEN = new Set(['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EINVAL']);

/** What {@link startServer} takes. */
export interface StartServerOptions {
  readonly settings: Settings;
  /** Default: writes to standard output. */
  readonly logger?: pino.Logger;
  /** Routes of an application's own. Default: none. */
  readonly routes?: RegisterRoutes;
  /** Where spans go when `TENON_TRACES_URL` is set. Default: there. */
  readonly spanExporter?: SpanExporter;
}

/** A running server. */
export interface RunningServer {
  /** Where it listens, for example `http://127.0.0.1:3000`. Undefined when it does not answer requests (role `worker` alone). */
  readonly url: string | undefined;
  readonly services: Services;
  /** Resolves once the database is there and migrated; tells what a first start made. Rejects when that failed for good. */
  readonly ready: Promise<FirstStart>;
  /** Drains: no new connections, running requests finish (up to the time limit), then everything is closed. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts the server. It listens at once and answers `/healthz`; everything else is 503 until the database is there.
 *
 * @example
 * ```ts
 * const { settings } = loadSettings(process.env);
 * const server = await startServer({ settings });
 * await server.ready;
 * ```
 * @throws `SETTINGS_INVALID`, `KEYS_INVALID`, `PORT_IN_USE`
 */
export async function startServer(options: StartServerOptions): Promise<RunningServer> {
  const { settings } = options;
  const logger = options.logger ?? createLogger({ level: settings.logLevel });
  const metrics = startMetrics();
  const tracing = await openTracing(settings, logger, options.spanExporter);
  const composition = await compose(settings, { logger });
  const { services } = composition;
  const readiness = createReadiness();
  metrics.observe(services.database);
  const closeAll = async (): Promise<void> => {
    await composition.stop();
    await tracing?.stop();
    await metrics.stop();
  };
  const app = await createApp({
    settings,
    services,
    readiness,
    metrics,
    logger,
    version,
    ...(options.routes === undefined ? {} : { routes: options.routes }),
  }).catch(async (error: unknown) => {
    await closeAll();
    throw error;
  });
  const url = settings.roles.includes('api')
    ? await listen(app, settings).catch(async (error: unknown) => {
        await closeAll();
        throw error;
      })
    : undefined;

  let stopHousekeeping: (() => Promise<void>) | undefined;
  const ready = (async (): Promise<FirstStart> => {
    const report = await composition.ready();
    const first = await prepareFirstStart({ services, settings, logger });
    if (report.applied.length > 0) logger.info({ applied: report.applied }, 'database migrated');
    if (settings.roles.includes('worker')) stopHousekeeping = startHousekeeping({ services, logger });
    readiness.markReady();
    return first;
  })();
  ready.catch(() => undefined); // whoever waits for it hears of it; nobody must

  let stopping: Promise<void> | undefined;
  return {
    url,
    services,
    ready,
    stop(): Promise<void> {
      stopping ??= (async () => {
        readiness.markStopping();
        const housekeeping = Promise.resolve(stopHousekeeping?.());
        await drain(app, settings.shutdownTimeoutMs, logger);
        await withinCloseTime(housekeeping.then(closeAll), logger);
      })();
      return stopping;
    },
  };
}

async function listen(app: Awaited<ReturnType<typeof createApp>>, settings: Settings): Promise<string> {
  try {
    await app.listen({ port: settings.port, host: settings.host });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || !CANNOT_LISTEN.has(code)) throw error;
    throw serverError(
      'PORT_IN_USE',
      `cannot listen on ${settings.host}:${settings.port} (${code}). Stop what uses it, or set TENON_PORT or TENON_HOST to something else`,
      { cause: error, details: { port: settings.port } },
    );
  }
  const { address, family, port } = app.server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/**
 * Stops listening and waits for the running requests. A kept-alive connection looks idle also while its client's next request is
 * on the way, and Node would cut it under the client: each connection gets the chance to have one more request answered, with
 * `Connection: close` (RFC 9112, section 9.6), before those that are still idle end.
 */
async function drain(app: Awaited<ReturnType<typeof createApp>>, limitMs: number, logger: pino.Logger): Promise<void> {
  const { server } = app;
  logger.info({ limitMs }, 'stopping: running requests finish');
  const endIdle = server.closeIdleConnections.bind(server);
  server.closeIdleConnections = () => undefined;
  const timers = [
    // What has arrived by then is read first.
    setTimeout(() => setImmediate(endIdle), Math.min(LAST_REQUEST_MS, limitMs)),
    setTimeout(() => {
      logger.warn({ limitMs }, 'requests were still running at the end of the shutdown time; they are cut off');
      server.closeAllConnections();
    }, limitMs),
  ];
  try {
    await app.close();
  } catch (error) {
    logger.error({ err: toError(error) }, 'closing the HTTP server failed');
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}

// A statement that hangs in the database would keep its connection open, and this process with it, until its time is over.
async function withinCloseTime(closing: Promise<unknown>, logger: pino.Logger): Promise<void> {
  const { promise: tooLong, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    logger.warn({ limitMs: CLOSE_MS }, 'not everything could be closed in time; it ends with the process');
    resolve();
  }, CLOSE_MS);
  try {
    await Promise.race([closing, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

function openTracing(
  { tracesUrl, tracesPercent }: Settings,
  logger: pino.Logger,
  exporter: SpanExporter | undefined,
): Promise<Tracing> | undefined {
  if (tracesUrl === undefined) return undefined;
  const ratio = tracesPercent / 100;
  return startTracing({ url: tracesUrl, ratio, version, logger, ...(exporter === undefined ? {} : { exporter }) });
}
