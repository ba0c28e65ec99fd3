import { CodedError, isCodedError } from '@tenon/core';
import type { RequestLimits } from '../egress-options.ts';
import { egressError } from '../errors.ts';
import { checkUrl, type EgressTarget } from '../policy/check-url.ts';
import { decoderFor } from '../response/decode-body.ts';
import { readBody } from '../response/read-body.ts';
import type { ResponseBody } from '../response/response-body.ts';
import type { PreparedRequest } from './egress-request.ts';
import { exchange, type ExchangeParts, type RawAnswer, type ResponseHeaders } from './exchange.ts';
import { isRedirect, redirectRequest } from './redirect.ts';
import type { RequestLife } from './request-life.ts';

/** The answer to a request: of the last server, when there were redirects. */
export interface EgressResponse {
  /** 200 to 599. Whether it means success is for the caller to say. */
  readonly status: number;
  /** Names in lower case; several lines of one name are an array. `content-encoding` is gone when the body is decoded. */
  readonly headers: ResponseHeaders;
  /** Read it, or discard it: the connection waits for that. */
  readonly body: ResponseBody;
  /** Whence it came, after redirects. */
  readonly url: string;
  /** How many redirects were followed. */
  readonly redirects: number;
  /** The address that answered. Not for users who chose the URL. */
  readonly remoteAddress: string;
}

/** Sends a request, and what redirects make of it, each checked whole, until an answer is none. */
export async function follow(
  first: EgressTarget,
  prepared: PreparedRequest,
  limits: RequestLimits,
  parts: ExchangeParts,
  life: RequestLife,
): Promise<EgressResponse> {
  let target = first;
  let request = prepared;
  for (let redirects = 0; ; redirects += 1) {
    const answer = await exchange(target, request, parts, life);
    const body = bodyOf(target, request, answer, limits, parts, life);
    const location = answer.headers['location'];
    const to = typeof location === 'string' ? location : location?.[0];
    if (limits.maxRedirects === 0 || !isRedirect(answer.status, to)) {
      const { isDecoded, response } = body;
      // Its life goes on until the body is read; the connection goes back then.
      answer.raw.once('close', () => life.end());
      return {
        status: answer.status,
        headers: isDecoded ? withoutEncoding(answer.headers) : answer.headers,
        body: response,
        url: target.url.href,
        redirects,
        remoteAddress: answer.held.connection.remoteAddress,
      };
    }
    await body.response.discard();
    life.signal.throwIfAborted();
    if (redirects >= limits.maxRedirects) throw tooMany(first, limits);
    const next = redirectRequest(
      target.url,
      request,
      { status: answer.status, location: to },
      parts.config.credentialHeaders,
    );
    request = next.request;
    target = checkUrl(next.url, parts.config.policy);
  }
}

function bodyOf(
  { hostname }: EgressTarget,
  { method }: PreparedRequest,
  { status, headers, raw, held }: RawAnswer,
  { maxBodyBytes }: RequestLimits,
  { config }: ExchangeParts,
  life: RequestLife,
): { readonly response: ResponseBody; readonly isDecoded: boolean } {
  const announced = headers['content-length'];
  const contentLength = typeof announced === 'string' && method !== 'HEAD' ? Number(announced) : undefined;
  const isEmpty = method === 'HEAD' || status === 204 || status === 304 || contentLength === 0;
  const encoding = headers['content-encoding'];
  const isDecoded = config.decompress && typeof encoding === 'string' && decoderFor(encoding) !== undefined;
  // What has come whole leaves its connection fit for use, whether or not somebody has read it.
  const release = (isSound: boolean): void => held.release(isSound && !held.connection.isBusy);
  raw.on('error', () => undefined);
  raw.once('close', () => release(true));
  if (isEmpty) {
    raw.resume();
    if (!held.connection.isBusy) release(true);
  }
  const response = readBody({
    raw,
    isEmpty,
    host: hostname,
    encoding: isDecoded ? encoding : undefined,
    contentLength,
    maxBodyBytes,
    bodyTimeoutMs: config.bodyTimeoutMs,
    life,
    onDone: release,
  });
  return { response, isDecoded: isDecoded && !isEmpty };
}

/** Both speak of the bytes on the line, which nobody sees any more. */
function withoutEncoding(headers: ResponseHeaders): ResponseHeaders {
  const { 'content-encoding': _encoding, 'content-length': _length, ...rest } = headers;
  return rest;
}

function tooMany({ hostname }: EgressTarget, { maxRedirects }: RequestLimits): Error {
  return egressError(
    'EGRESS_TOO_MANY_REDIRECTS',
    `the request to "${hostname}" was redirected more than ${maxRedirects} times`,
    {
      details: { host: hostname, maxRedirects },
    },
  );
}

/** Adds to an error what a caller must know before a repeat: whether a server may have seen the request. */
export function withSending(error: unknown, mayHaveBeenSent: boolean): unknown {
  if (!isCodedError(error) || error.details['mayHaveBeenSent'] === mayHaveBeenSent) return error;
  const { code, message, cause, retryable, retryAfterMs } = error;
  return new CodedError(code, message, {
    cause,
    retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    details: { ...error.details, mayHaveBeenSent },
  });
}
