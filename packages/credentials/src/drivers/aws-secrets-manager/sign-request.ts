import { createHash, createHmac } from 'node:crypto';
import type { Secret } from '@tenon/core';

/** What {@link signRequest} signs, and with what. */
export interface SigningInput {
  readonly method: string;
  /** By their names in lower case, `host` and `x-amz-date` among them; no value holds spaces. All of them are signed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly region: string;
  /** As in the scope of a signature: `secretsmanager`. */
  readonly service: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';

/**
 * Signs a request to the path `/` without a query, with AWS Signature Version 4 ("Signing AWS API requests" in the AWS IAM user guide).
 *
 * @returns the value of the header `authorization`
 */
export function signRequest(input: SigningInput): string {
  const { method, headers, body, region, service, accessKeyId, secretAccessKey } = input;
  const names = Object.keys(headers).toSorted();
  const signedHeaders = names.join(';');
  const canonicalHeaders = names.map((name) => `${name}:${headers[name] ?? ''}\n`);
  const canonicalRequest = [method, '/', '', canonicalHeaders.join(''), signedHeaders, sha256(body)].join('\n');
  const at = headers['x-amz-date'] ?? '';
  const scope = [at.slice(0, 8), region, service, 'aws4_request'] as const;
  const toSign = [ALGORITHM, at, scope.join('/'), sha256(canonicalRequest)].join('\n');
  let key: string | Buffer = `AWS4${secretAccessKey.reveal()}`;
  for (const part of scope) key = hmac(key, part);
  const signature = hmac(key, toSign).toString('hex');
  return `${ALGORITHM} Credential=${accessKeyId}/${scope.join('/')}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
}

/** A moment as `x-amz-date` writes it: `20150830T123600Z`. */
export function toAmzDate(atMs: number): string {
  return new Date(atMs).toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
}

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text, 'utf8').digest();
