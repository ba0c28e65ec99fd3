import type { AddressInfo } from 'node:net';
import { toError } from '@tenon/core';
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
import { version } from './version.ts';

/** What {@link startServer} takes. */
export interface StartServerOptions {
  readonly settings: Settings;
  /** Default: writes to standard output. */
  readonly logger?: pino.Logger;
  /** Routes of an application's own. Default: none. */
  readonly routes?: RegisterRoutes;
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
  const composition = await compose(settings, { logger });
  const { services } = composition;
  const readiness = createReadiness();
  metrics.observe(services.database);
  const closeAll = async (): Promise<void> => {
    await composition.stop();
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
        await Promise.all([stopHousekeeping?.(), closeWithin(app, settings.shutdownTimeoutMs, logger)]);
        await closeAll();
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
    if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL') throw error;
    throw serverError(
      'PORT_IN_USE',
      `cannot listen on ${settings.host}:${settings.port} (${code}). Stop what uses it, or set TENON_PORT or TENON_HOST to something else`,
      { cause: error, details: { port: settings.port } },
    );
  }
  const { address, family, port } = app.server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

async function closeWithin(
  app: Awaited<ReturnType<typeof createApp>>,
  limitMs: number,
  logger: pino.Logger,
): Promise<void> {
  const timer = setTimeout(() => {
    logger.warn({ limitMs }, 'requests were still running at the end of the shutdown time; they are cut off');
    app.server.closeAllConnections();
  }, limitMs);
  try {
    await app.close();
  } catch (error) {
    logger.error({ err: toError(error) }, 'closing the HTTP server failed');
  } finally {
    clearTimeout(timer);
  }
}
