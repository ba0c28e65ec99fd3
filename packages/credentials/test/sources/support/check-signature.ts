import { createHash, createHmac } from 'node:crypto';

/** A request as a server received it. */
export interface SignedRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/** What a server knows about who may sign. */
export interface SigningParty {
  readonly region: string;
  readonly service: string;
  secretOf(accessKeyId: string): string | undefined;
}

/** What is wrong with a signature, by the name of AWS's error; `undefined`: nothing. */
export type SignatureProblem =
  | 'MissingAuthenticationTokenException'
  | 'IncompleteSignatureException'
  | 'UnrecognizedClientException'
  | 'InvalidSignatureException';

/**
 * Checks a signature the way round that a server has to: from the header back to what must have been signed. It shares nothing with the driver, and is
 * itself held to AWS's own examples.
 */
export function checkSignature(request: SignedRequest, party: SigningParty): SignatureProblem | undefined {
  const header = request.headers['authorization'];
  if (header === undefined) return 'MissingAuthenticationTokenException';
  const form =
    /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/(\d{8})\/([^/,]+)\/([^/,]+)\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/;
  const match = form.exec(header);
  if (match === null) return 'IncompleteSignatureException';
  const [, accessKeyId = '', day = '', region = '', service = '', signedNames = '', signature] = match;
  const secret = party.secretOf(accessKeyId);
  if (secret === undefined) return 'UnrecognizedClientException';
  const time = request.headers['x-amz-date'] ?? '';
  const names = signedNames.split(';');
  const mustBeSigned = [
    'host',
    'x-amz-date',
    ...Object.keys(request.headers).filter((name) => name.startsWith('x-amz-')),
  ];
  const isIncomplete =
    mustBeSigned.some((name) => !names.includes(name)) || names.join() !== [...names].toSorted().join();
  if (isIncomplete || !time.startsWith(day)) return 'IncompleteSignatureException';
  if (region !== party.region || service !== party.service) return 'InvalidSignatureException';

  const [path = '/', query = ''] = request.target.split('?');
  const canonical = `${request.method}\n${path}\n${query}\n${names
    .map((name) => `${name}:${(request.headers[name] ?? '').trim().split(/ +/).join(' ')}\n`)
    .join('')}\n${signedNames}\n${createHash('sha256').update(request.body).digest('hex')}`;
  const text = `AWS4-HMAC-SHA256\n${time}\n${day}/${region}/${service}/aws4_request\n${createHash('sha256').update(canonical).digest('hex')}`;
  const key = [day, region, service, 'aws4_request'].reduce<Buffer>(
    (before, part) => createHmac('sha256', before).update(part).digest(),
    Buffer.from(`AWS4${secret}`),
  );
  return createHmac('sha256', key).update(text).digest('hex') === signature ? undefined : 'InvalidSignatureException';
}
