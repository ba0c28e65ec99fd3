import cookie from '@fastify/cookie';
import cors from '@fastify/cors';
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { createAuthenticator } from './authenticator.ts';
import { serverError } from './errors.ts';
import { guardRoutes } from './http/access.ts';
import { answerBrokenRequest, answerErrors, answerUnreadableAddress } from './http/answer-errors.ts';
import { serveApiReference } from './http/api-reference.ts';
import { watchCrossTenantAccess } from './http/cross-tenant-watch.ts';
import { createLazyChildLogger } from './http/lazy-child-logger.ts';
import { acceptJsonBodies } from './http/json-body.ts';
import { requestIdOf } from './http/request-id.ts';
import { recordRequests } from './http/request-log.ts';
import { sendSecurityHeaders } from './http/security-headers.ts';
import type { ServerMetrics } from './metrics.ts';
import type { Readiness } from './readiness.ts';
import { invitationRoutes, sessionRoutes } from './routes/account-routes.ts';
import { apiKeyRoutes } from './routes/api-key-routes.ts';
import { meRoutes, registrationRoutes, signingKeyRoutes, signInRoutes, signOutRoutes } from './routes/auth.ts';
import { credentialRoutes } from './routes/credentials/credential-routes.ts';
import { healthRoutes } from './routes/health.ts';
import { orderRoutes } from './routes/orders.ts';
import { productRoutes } from './routes/products.ts';
import { resourceRoutes } from './routes/resources/resource-routes.ts';
import { tenantRoutes, tenantSettingsRoutes } from './routes/tenant-routes.ts';
import { userRoutes } from './routes/users.ts';
import type { Services } from './services.ts';
import type { Settings } from './settings/settings.ts';

/** What {@link createApp} takes. */
export interface AppOptions {
  readonly settings: Settings;
  readonly services: Services;
  readonly readiness: Readiness;
  readonly metrics: ServerMetrics;
  readonly logger: FastifyBaseLogger;
  readonly version: string;
  /**
   * Adds routes of an application's own. They are guarded and described like all others: each declares its access in
   * `config.access`. Default: none.
   */
  readonly routes?: RegisterRoutes;
}

/** Adds routes to the application. */
export type RegisterRoutes = (app: FastifyInstance, services: Services) => void | Promise<void>;

/** Answered also while the database is not there yet. */
const ALWAYS_ANSWERED = ['/healthz', '/readyz', '/metrics', '/openapi.json', '/docs'];

/**
 * Builds the HTTP application: all routes, no socket. `app.inject` calls it, {@link startServer} listens with it.
 *
 * @throws `ACCESS_UNDECLARED` naming a route that does not say who may call it
 */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { settings, services, readiness, metrics, logger } = options;
  const app = Fastify({
    loggerInstance: logger,
    childLoggerFactory: createLazyChildLogger,
    genReqId: requestIdOf,
    requestIdHeader: false,
    // One line a request, written by recordRequests with what matters.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    bodyLimit: settings.bodyLimitBytes,
    requestTimeout: settings.requestTimeoutMs,
    http: {
      // Node exchanges the two limits when this one is the longer, and it is a minute by default.
      headersTimeout: settings.requestTimeoutMs,
      // Node looks for requests that are late only so often, by default each 30 seconds.
      connectionsCheckingInterval: Math.ceil(settings.requestTimeoutMs / 10),
    },
    trustProxy: settings.trustedProxies.length === 0 ? false : [...settings.trustedProxies],
    forceCloseConnections: 'idle',
    // While draining, requests on open connections are still answered: the work is done, and clients see no error.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 128 },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    frameworkErrors: answerUnreadableAddress,
    clientErrorHandler: answerBrokenRequest,
  });
  // Bodies and queries are checked by the service or listing that they are for, all problems at once; the schemas of the
  // routes describe them, and shape the answers.
  app.setValidatorCompiler(() => () => true);
  acceptJsonBodies(app);
  answerErrors(app);
  recordRequests(app, metrics);
  sendSecurityHeaders(app);
  await letOriginsIn(app, settings.corsOrigins);
  refuseUntilReady(app, readiness);
  guardRoutes(app, createAuthenticator(services), ['/docs', '*'], { isTraced: settings.tracesUrl !== undefined });
  const drained = watchCrossTenantAccess(app, services);
  app.addHook('onClose', drained);

  await serveApiReference(app, { version: options.version });
  healthRoutes(app, services, { readiness, metrics, settings });
  // Cookies are read and written here alone; other requests need not pay for them.
  await app.register(async (scope) => {
    await scope.register(cookie);
    registrationRoutes(scope, services, settings);
    signInRoutes(scope, services, settings);
    signOutRoutes(scope, services, settings);
  });
  meRoutes(app, services);
  signingKeyRoutes(app, services);
  sessionRoutes(app, services);
  invitationRoutes(app, services);
  userRoutes(app, services);
  productRoutes(app, services);
  orderRoutes(app, services);
  tenantRoutes(app, services);
  tenantSettingsRoutes(app, services);
  apiKeyRoutes(app, services);
  credentialRoutes(app, services);
  resourceRoutes(app, services);
  await options.routes?.(app, services);
  await app.ready();
  return app;
}

async function letOriginsIn(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return;
  await app.register(cors, {
    origin: [...origins],
    credentials: true,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: ['etag', 'location', 'retry-after', 'x-request-id', 'idempotency-replayed'],
    maxAge: 600,
  });
}

function refuseUntilReady(app: FastifyInstance, readiness: Readiness): void {
  app.addHook('onRequest', async (request) => {
    if (readiness.state() !== 'starting') return;
    const path = request.url.split('?')[0] ?? '';
    if (ALWAYS_ANSWERED.some((known) => path === known || path.startsWith(`${known}/`))) return;
    throw serverError('NOT_READY', 'the server is starting and waits for its database', {
      retryable: true,
      retryAfterMs: 2_000,
    });
  });
}
