import { randomBytes } from 'node:crypto';
import { call, signIn, type Answer, type Call } from './api-client.ts';

/** Everything secret that goes into a server or comes out of it, and every answer. */
export interface Tour {
  /** Adds random text to what must not be seen again. */
  plant(prefix?: string): string;
  /** Every planted and issued secret so far. */
  secrets(): readonly string[];
  /** Answers, but for those that hand a secret out by design. */
  answers(): readonly Answer[];
  /** Sends a request whose answer must hold no secret. */
  send(path: string, request?: Call): Promise<Answer>;
  /** Sends a request that hands secrets out: the named fields of its answer. */
  sendForSecrets(path: string, request: Call, ...fields: readonly string[]): Promise<Answer>;
  /** Calls every operation of the API reference, with secrets in all the wrong places. @returns how many there are */
  visitEveryRoute(): Promise<number>;
}

/** Starts a tour of the server at an address. */
export function startTour(url: string, known: readonly string[], owner: { email: string; password: string }): Tour {
  const secrets = new Set<string>(known);
  const answers: Answer[] = [];
  const plant = (prefix = 'canary'): string => {
    const text = `${prefix}-${randomBytes(12).toString('hex')}`;
    secrets.add(text);
    return text;
  };
  const send = async (path: string, request: Call = {}): Promise<Answer> => {
    const answer = await call(`${url}${path}`, request);
    answers.push(answer);
    return answer;
  };
  let session: string | undefined;
  const sendAsOwner = async (path: string, request: Call): Promise<void> => {
    if (session === undefined) {
      const { accessToken, refreshToken } = await signIn(url, owner);
      secrets.add(accessToken).add(refreshToken);
      session = accessToken;
    }
    const { status } = await send(path, { ...request, token: session });
    // Some operations end the session.
    if (status === 401 || path.startsWith('/auth/logout')) session = undefined;
  };
  const visit = async (method: string, path: string): Promise<void> => {
    const address = path.replaceAll(/\{\w+\}/g, '01920000-0000-7000-8000-000000000000');
    const query = `?access_token=${plant()}&cursor=${plant()}&limit=${plant()}&sort=${plant()}&price[gte]=${plant()}`;
    const hasBody = ['POST', 'PUT', 'PATCH'].includes(method);
    const body = { password: plant(), token: plant(), refreshToken: plant(), lines: plant(), name: 7 };
    const base: Call = hasBody ? { method, body } : { method };
    const headers = {
      cookie: `session=${plant()}; __Host-tenon_refresh=${plant('tnr')}`,
      'if-match': plant(),
      'x-api-key': plant(),
      'x-forwarded-for': plant(),
      origin: `https://${plant()}.example.com`,
    };
    await send(`${address}${query}`, { ...base, headers });
    await send(address, { ...base, token: plant('tnk_abcdefgh_'), headers });
    await sendAsOwner(address, { ...base, headers });
    await sendAsOwner(`${address}${query}`, { ...base, headers: { 'idempotency-key': plant() } });
    if (hasBody) await sendAsOwner(address, { method, body: `{"password":"${plant()}", broken` });
    // Not planted: whose tenant somebody tried to reach is what the security record is for.
    await sendAsOwner(address, { method, headers: { 'x-tenant-id': 'another-tenant' } });
  };
  return {
    plant,
    secrets: () => [...secrets],
    answers: () => answers,
    send,
    async sendForSecrets(path, request, ...fields) {
      const answer = await call(`${url}${path}`, request);
      for (const field of fields) secrets.add((answer.body as Record<string, string>)[field] ?? 'a field is missing');
      return answer;
    },
    async visitEveryRoute() {
      const reference = await send('/openapi.json');
      const { paths } = reference.body as { readonly paths: Record<string, Record<string, unknown>> };
      const operations = Object.entries(paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => [method.toUpperCase(), path] as const),
      );
      for (const [method, path] of operations) await visit(method, path);
      return operations.length;
    },
  };
}
