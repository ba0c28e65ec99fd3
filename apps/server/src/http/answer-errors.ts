import { maxHeaderSize } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isCodedError, toError, type CodedError, type InputProblem } from '@tenon/core';
import { serverError } from '../errors.ts';
import { inputInvalid, toProblem } from './problem.ts';
import { requestIdOf } from './request-id.ts';
import { securityHeaders } from './security-headers.ts';

/** Answers every failure, of any layer, with a problem document. */
export function answerErrors(app: FastifyInstance): void {
  const methods = collectMethods(app);

  app.setErrorHandler((thrown: unknown, request, reply) => sendProblem(request, reply, translate(thrown)));
  app.setNotFoundHandler((request, reply) => {
    const allowed = methods(request.url.split('?')[0] ?? '');
    const error =
      allowed.length === 0 || allowed.includes(request.method)
        ? serverError('ROUTE_NOT_FOUND', `there is no ${request.method} ${request.url.split('?')[0]}; see /docs`)
        : serverError('METHOD_NOT_ALLOWED', `${request.method} is not possible here`, {
            details: { allow: allowed.join(', ') },
          });
    return sendProblem(request, reply, error);
  });
}

/** Answers an address that the framework cannot read: none of the hooks that other answers go through runs for it. */
export function answerUnreadableAddress(error: Error, request: FastifyRequest, reply: FastifyReply): void {
  reply.headers({ ...securityHeaders, 'x-request-id': request.id });
  sendProblem(request, reply, serverError('REQUEST_MALFORMED', 'the address cannot be read', { cause: error }));
}

/** Answers what never became a request: there is no reply to send it with. */
export function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { document, headers } = toProblem(unreadable(error.code), requestIdOf({ headers: {} }));
  const body = JSON.stringify(document);
  const lines = Object.entries({
    ...securityHeaders,
    ...headers,
    'x-request-id': document.requestId,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${document.status} ${document.title}\r\n${lines.join('')}\r\n${body}`);
}

function unreadable(code: string | undefined): CodedError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return serverError('REQUEST_TIMEOUT', 'the request did not arrive in time');
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return serverError('HEADERS_TOO_LARGE', `the headers are larger than the ${maxHeaderSize} bytes read here`);
  }
  return serverError('REQUEST_MALFORMED', 'this is not an HTTP request that can be read');
}

/** Sends one problem document, and logs what must be looked at. */
function sendProblem(request: FastifyRequest, reply: FastifyReply, thrown: unknown): FastifyReply {
  const { document, headers } = toProblem(thrown, request.id);
  if (document.status >= 500) {
    const level = document.status === 500 ? 'error' : 'warn';
    request.log[level]({ err: toError(thrown), code: document.code }, 'request failed');
  }
  // As bytes, because the route's response schema must not cut the document down.
  return reply
    .code(document.status)
    .headers(headers)
    .send(Buffer.from(JSON.stringify(document)));
}

function translate(thrown: unknown): unknown {
  if (isCodedError(thrown) || !(thrown instanceof Error)) return thrown;
  const error = thrown as FastifyError;
  if (Array.isArray(error.validation)) return inputInvalid(problemsOf(error));
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return serverError('BODY_TOO_LARGE', 'the body is larger than this server accepts', { cause: error });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return serverError('MEDIA_TYPE_UNSUPPORTED', 'the body must be application/json', { cause: error });
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return serverError('BODY_MALFORMED', 'the body is not as long as Content-Length says', { cause: error });
    case 'FST_ERR_BAD_URL':
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return serverError('REQUEST_MALFORMED', 'the address cannot be read', { cause: error });
    default:
      return error.statusCode !== undefined && error.statusCode < 500
        ? serverError('REQUEST_MALFORMED', 'the request cannot be read', { cause: error })
        : thrown;
  }
}

function problemsOf(error: FastifyError): readonly InputProblem[] {
  return (error.validation ?? []).map((issue): InputProblem => {
    const property = issue.params['additionalProperty'] ?? issue.params['missingProperty'];
    const path = `${issue.instancePath}${typeof property === 'string' ? `/${property}` : ''}`;
    return { path, code: toCode(issue.keyword), message: issue.message ?? 'is not valid' };
  });
}

function toCode(keyword: string): string {
  if (keyword === 'additionalProperties') return 'unknown_field';
  return keyword.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

// Which methods exist at a path, for 405: the router only knows how to answer for one method at a time.
function collectMethods(app: FastifyInstance): (path: string) => readonly string[] {
  const routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    // CORS answers OPTIONS for every address; that makes no resource of one that does not exist.
    if (url === '*') return;
    const source = url
      .split('/')
      .map((part) =>
        part.startsWith(':') ? '[^/]+' : part === '*' ? '.*' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`),
      )
      .join('/');
    // oxlint-disable-next-line security/detect-non-literal-regexp -- from our own routes, with every sign escaped
    routes.push({ pattern: new RegExp(`^${source}/?$`), methods: [method].flat() });
  });
  return (path) =>
    [...new Set(routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods))].toSorted();
}
