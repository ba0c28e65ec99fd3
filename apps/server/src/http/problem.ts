import { isCodedError, type CodedError, type InputProblem } from '@tenon/core';
import { Type } from 'typebox';
import { serverError } from '../errors.ts';
import { statusOf, titleOf } from './error-status.ts';

// RFC 9457, section 3.
const PROBLEM_MEDIA_TYPE = 'application/problem+json';

const UNAVAILABLE_RETRY_MS = 2_000;
// What this process cannot do any more, since it is stopping, the next one can.
const CLOSED: ReadonlySet<string> = new Set(['AUTH_CLOSED', 'DATABASE_CLOSED', 'KV_CLOSED']);

/** An error answer: RFC 9457 with the code, the request's id, and for bad input the list of all problems. */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly requestId: string;
  readonly retryable: boolean;
  readonly errors?: readonly InputProblem[];
  readonly [extension: string]: unknown;
}

/** {@link ProblemDocument} as the API reference shows it. */
export const problemSchema = Type.Object(
  {
    type: Type.String({ description: 'Identifies the kind of problem: `urn:tenon:error:` and the code.' }),
    title: Type.String({ description: 'The status in words.' }),
    status: Type.Integer(),
    detail: Type.String({ description: 'What failed, and what to do.' }),
    code: Type.String({ description: 'Stable; switch on it.' }),
    requestId: Type.String({ description: 'Also in the logs.' }),
    retryable: Type.Boolean({ description: 'Whether the same request may succeed later.' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          path: Type.String({ description: 'JSON pointer into the body, or the parameter.' }),
          code: Type.String(),
          message: Type.String(),
        }),
      ),
    ),
  },
  { $id: 'Problem', additionalProperties: true },
);

/** An error that carries a list of what is wrong with the input. */
export function inputInvalid(errors: readonly InputProblem[]): CodedError {
  const count = errors.length === 1 ? 'one problem' : `${errors.length} problems`;
  return serverError('INPUT_INVALID', `the request has ${count}: see "errors"`, {
    details: { problems: errors },
  });
}

/** The document and headers for anything that was thrown. What is not a coded error stays hidden. */
export function toProblem(
  thrown: unknown,
  requestId: string,
): { readonly document: ProblemDocument; readonly headers: Readonly<Record<string, string>> } {
  const error = isCodedError(thrown) ? thrown : undefined;
  const status = error === undefined ? 500 : statusOf(error.code);
  const hidden = error === undefined || status === 500;
  const code = hidden ? 'INTERNAL' : error.code;
  const headers: Record<string, string> = { 'content-type': PROBLEM_MEDIA_TYPE, 'cache-control': 'no-store' };
  const retryable = !hidden && (error.retryable || CLOSED.has(code));
  const retryAfterMs = retryable
    ? (error.retryAfterMs ?? (status === 503 ? UNAVAILABLE_RETRY_MS : undefined))
    : undefined;
  if (retryAfterMs !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
  if (status === 401) headers['www-authenticate'] = challenge(code);
  if (status === 405 && typeof error?.details['allow'] === 'string') headers['allow'] = error.details['allow'];
  // Every validator reports under the same name; RFC 9457 shows such a list as "errors" (section 3, example).
  const { problems, ...details } = hidden ? {} : error.details;
  return {
    headers,
    document: {
      ...details,
      type: `urn:tenon:error:${code}`,
      title: titleOf(status),
      status,
      detail: hidden
        ? `something went wrong here; quote the request id ${requestId} when you report it`
        : error.message,
      code,
      requestId,
      retryable,
      ...(Array.isArray(problems) ? { errors: problems } : {}),
    },
  };
}

// What was refused was in the body. To a client, `invalid_token` says that its access token has ended.
const NOT_ABOUT_A_TOKEN: ReadonlySet<string> = new Set(['AUTH_CREDENTIALS_INVALID', 'AUTH_REFRESH_INVALID']);

// RFC 6750, section 3: no error attribute when the request carried no credentials at all.
function challenge(code: string): string {
  return code === 'SIGN_IN_REQUIRED' || NOT_ABOUT_A_TOKEN.has(code)
    ? 'Bearer realm="tenon"'
    : 'Bearer realm="tenon", error="invalid_token"';
}
