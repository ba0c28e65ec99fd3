import { CodedError, currentContext, isCodedError, type Clock, type Logger } from '@tenon/core';
import { checkUrl, createEgress, type Egress, type EgressResponse, type EgressTls, type Resolver } from '@tenon/egress';
import type { SlotCredential } from '../../credentials/credential-slots.ts';
import type { ExposeContext } from '../../definition/resource-definition.ts';
import { createAuthorization, type Authorization } from './authorization.ts';
import { failedAttempt, HttpAttemptFailure, isFaultStatus, mayHaveBeenSent, mayRepeat } from './http-attempt.ts';
import { httpFailure, type HttpFailureFacts } from './http-failure.ts';
import { createHttpObserver, traceHeaders } from './http-observer.ts';
import { prepareHttpRequest, type HttpRequest, type PreparedHttpRequest } from './http-request.ts';
import { createHttpResponse, READ_AT_ONCE, retryAfterOf, type HttpResponse } from './http-response.ts';
import { policyOf, type HttpConfig } from './http-settings.ts';
import { createOriginGuards } from './origin-guards.ts';

/** What an HTTP client is made of. */
export interface HttpClientParts {
  readonly resource: string;
  readonly config: HttpConfig;
  readonly credential: SlotCredential | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly resolver: Resolver | undefined;
  readonly logger: Logger;
}

/** One instance of an HTTP resource: connections, guards and a credential of its own. */
export interface HttpClient {
  readonly egress: Egress;
  /** @param lease - of the borrower: its end ends the request */
  send(request: HttpRequest, lease: ExposeContext): Promise<HttpResponse>;
  /** Sends one request, once and past the guards. @returns its status */
  probe(path: string, signal: AbortSignal): Promise<number>;
  /** Takes another credential. Resolves when no request that carries an earlier one is under way. */
  replaceCredential(credential: SlotCredential, signal: AbortSignal): Promise<void>;
  /** Waits for the requests in hand until the signal ends them, and closes every connection. */
  close(signal: AbortSignal): Promise<void>;
}

/** Makes a client. Nothing is connected yet. */
export function createHttpClient(parts: HttpClientParts): HttpClient {
  const { resource, config, credential, clock, logger } = parts;
  const authorization =
    credential === undefined ? undefined : createAuthorization(resource, credential, config.apiKeyHeader);
  const egress = openEgress(parts);
  const guards = createOriginGuards(resource, config, parts);
  const observer = createHttpObserver(resource, clock, logger);
  const exchanging = { config, egress, authorization, clock };

  return {
    egress,
    async send(given, lease) {
      lease.assertHeld();
      const request = prepareHttpRequest(given, config, authorization?.header);
      const caller = given.signal ?? currentContext()?.signal;
      const sending = { ...exchanging, request, lease, caller, attempts: 0, wasSent: false };
      const guarded = async (): Promise<HttpResponse> => {
        try {
          // Before it has a place among the origins: what may not be reached is not remembered.
          checkUrl(request.url, egress.policy);
        } catch (error) {
          throw httpFailure(error, factsOf(sending));
        }
        return runGuarded(sending, guards.for(request.url.origin, request.timeoutMs));
      };
      return observer.watch(request, () => sending.attempts, guarded);
    },
    async probe(path, signal) {
      const request = prepareHttpRequest({ path }, config, undefined);
      const carried = authorization?.begin();
      try {
        const { url, headers } = request;
        const answer = await egress.request({ url, headers: { ...headers, ...carried?.headers }, signal });
        await answer.body.discard();
        return answer.status;
      } finally {
        carried?.end();
      }
    },
    replaceCredential: async (next, signal) => authorization?.replace(next, signal),
    close: (signal) => egress.close({ signal }),
  };
}

function openEgress({ config, clock, resolver, logger }: HttpClientParts): Egress {
  // What a server elsewhere must not get when it is redirected to.
  const own = ['authorization', config.apiKeyHeader, ...Object.keys(config.headers)];
  const traced = config.traceparent === 'always' ? [] : ['traceparent', 'tracestate'];
  return createEgress({
    policy: policyOf(config),
    ...(config.tls === undefined ? {} : { tls: tlsOf(config.tls) }),
    ...(resolver === undefined ? {} : { resolver }),
    connectTimeoutMs: config.connectTimeoutMs,
    headersTimeoutMs: config.headersTimeoutMs,
    bodyTimeoutMs: config.bodyTimeoutMs,
    maxBodyBytes: config.maxBodyBytes,
    maxRedirects: config.maxRedirects,
    credentialHeaders: [...own, ...traced],
    maxConnectionsPerOrigin: config.maxConnectionsPerHost,
    // Whoever waits there has a place already: a place is free when an answer begins, its connection when the answer has been read.
    maxWaitingPerOrigin: config.bulkhead.concurrency ?? config.maxConnectionsPerHost,
    maxIdleConnections: config.maxConnectionsPerHost,
    keepAliveMs: config.keepAliveMs,
    clock,
    logger,
  });
}

function tlsOf({ ca, minVersion }: NonNullable<HttpConfig['tls']>): EgressTls {
  return { ...(ca === undefined ? {} : { ca }), ...(minVersion === undefined ? {} : { minVersion }) };
}

/** One request on its way. */
interface Sending {
  readonly config: HttpConfig;
  readonly egress: Egress;
  readonly authorization: Authorization | undefined;
  readonly clock: Clock;
  readonly request: PreparedHttpRequest;
  readonly lease: ExposeContext;
  readonly caller: AbortSignal | undefined;
  attempts: number;
  /** Whether a try may have reached a server. */
  wasSent: boolean;
}

function factsOf({ request, lease, caller, wasSent }: Sending): HttpFailureFacts {
  const { method, url, isIdempotent } = request;
  return { method, host: url.hostname, isIdempotent, mayHaveBeenSent: wasSent, caller, lease: lease.signal };
}

async function runGuarded(
  sending: Sending,
  guard: ReturnType<ReturnType<typeof createOriginGuards>['for']>,
): Promise<HttpResponse> {
  const { request, caller, lease, clock } = sending;
  const signals = [lease.signal, ...(caller === undefined ? [] : [caller])];
  const signal = AbortSignal.any(signals);
  const endsAtMs = clock.monotonicMs() + request.timeoutMs;
  let underWay: Promise<unknown> = Promise.resolve();
  try {
    return await guard.run(
      (call) => {
        sending.attempts = call.attempt;
        // The time limit of the run needs no signal here: each try has what is left of it as its own.
        const attempt = tryOnce(sending, signal, endsAtMs);
        underWay = attempt.catch(() => undefined);
        return attempt;
      },
      { signal },
    );
  } catch (thrown) {
    // A try that was given up ends at once; only then is it known how far it had come, and nothing is left under way.
    await underWay;
    if (!(thrown instanceof HttpAttemptFailure)) throw httpFailure(thrown, factsOf(sending));
    if ('response' in thrown.outcome) return thrown.outcome.response;
    throw httpFailure(thrown.outcome.error, factsOf(sending));
  }
}

async function tryOnce(sending: Sending, signal: AbortSignal, endsAtMs: number): Promise<HttpResponse> {
  const { request, lease, config, clock } = sending;
  // It may have been given back while a retry waited.
  lease.assertHeld();
  const isLast = sending.attempts >= config.retry.attempts;
  let answer: EgressResponse;
  let read: Uint8Array | undefined;
  try {
    answer = await exchange(sending, signal, endsAtMs);
    sending.wasSent = true;
    const mayRetry = !isLast && config.retry.statuses.includes(answer.status) && mayRepeat(request, true);
    if (mayRetry || isShort(answer, config)) read = await answer.body.bytes();
  } catch (error) {
    if (mayHaveBeenSent(error)) sending.wasSent = true;
    // As one of too many, it has not been asked, and says nothing of the origin.
    if (isCodedError(error, 'EGRESS_BUSY')) throw full(error);
    throw failedAttempt(request, error);
  }
  const response = responseOf(sending, answer, read);
  const isFault = isFaultStatus(answer.status);
  const isRefused = config.retry.statuses.includes(answer.status);
  if (!isFault && !isRefused) return response;
  throw new HttpAttemptFailure(
    { response },
    { isFault, mayRetry: isRefused && mayRepeat(request, true), retryAfterMs: retryAfterOf(answer, clock.now()) },
  );
}

async function exchange(sending: Sending, signal: AbortSignal, endsAtMs: number): Promise<EgressResponse> {
  const { request, egress, config, clock, authorization } = sending;
  const { url, method, headers, body, isOwn } = request;
  const isTraced = config.traceparent === 'always' || (config.traceparent === 'own-origin' && isOwn);
  const carried = isOwn ? authorization?.begin() : undefined;
  try {
    return await egress.request({
      url,
      method,
      headers: { ...(isTraced ? traceHeaders() : {}), ...headers, ...carried?.headers },
      ...(body === undefined ? {} : { body }),
      signal,
      timeoutMs: Math.min(3_600_000, Math.max(1, Math.ceil(endsAtMs - clock.monotonicMs()))),
    });
  } finally {
    carried?.end();
  }
}

/** A short answer whose length is announced is read within its try, which so covers all of it. */
function isShort({ headers }: EgressResponse, { maxBodyBytes }: HttpConfig): boolean {
  const announced = headers['content-length'];
  return typeof announced === 'string' && Number(announced) <= Math.min(READ_AT_ONCE, maxBodyBytes);
}

function responseOf(sending: Sending, answer: EgressResponse, read: Uint8Array | undefined): HttpResponse {
  const { request, clock } = sending;
  const { method, url, isIdempotent } = request;
  return createHttpResponse({
    answer,
    read,
    method,
    host: url.hostname,
    isIdempotent,
    now: () => clock.now(),
    toFailure: (thrown) => httpFailure(thrown, factsOf(sending)),
  });
}

function full(error: CodedError): CodedError {
  const { message, details } = error;
  return new CodedError('BULKHEAD_FULL', message, { cause: error, retryable: true, details });
}
