import { owner } from './place.ts';

/** One answer, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into bodies of every shape
  readonly body: any;
}

/** What {@link call} sends. */
export interface Call {
  readonly method?: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; text is sent as it is. */
  readonly body?: unknown;
}

/** Sends one request. Rejects when no answer comes. */
export async function call(url: string, request: Call = {}): Promise<Answer> {
  const { token, headers, body } = request;
  const response = await fetch(url, {
    method: request.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(20_000),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
}

/** Signs in. @throws when it is refused */
export async function signIn(url: string, credentials: { email: string; password: string } = owner) {
  const answer = await call(`${url}/auth/login`, { body: credentials });
  if (answer.status !== 200) throw new Error(`signing in: ${answer.status} ${answer.text}`);
  return answer.body as { readonly accessToken: string; readonly refreshToken: string };
}

/** Makes products with this much in stock each, and gives their ids. */
export async function createProducts(
  url: string,
  token: string,
  stocks: readonly number[],
): Promise<readonly string[]> {
  const run = process.hrtime.bigint().toString(36);
  return Promise.all(
    stocks.map(async (stock, index) => {
      const body = {
        sku: `${run}-${index}`,
        name: `Product ${index}`,
        priceMinor: 100 + index,
        currency: 'EUR',
        stock,
      };
      const answer = await call(`${url}/v1/products`, { token, body });
      if (answer.status !== 201) throw new Error(`making a product: ${answer.status} ${answer.text}`);
      return (answer.body as { readonly id: string }).id;
    }),
  );
}

/** Reads a list to its end. */
export async function readAll<Row>(url: string, token: string): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const from: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await call(`${url}?limit=100${from}`, { token });
    if (answer.status !== 200) throw new Error(`reading a list: ${answer.status} ${answer.text}`);
    const page = answer.body as { readonly items: readonly Row[]; readonly nextCursor: string | null };
    rows.push(...page.items);
    cursor = page.nextCursor;
  }
  return rows;
}
