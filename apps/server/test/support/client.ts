/** What a server answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON. Undefined when there is none. */
  readonly body: unknown;
  /** The body, in the shape that the test expects. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- a cast that can be read from left to right
  as<T>(): T;
}

/** A problem document, as far as tests look at it. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly requestId: string;
  readonly retryable: boolean;
  readonly errors?: readonly { readonly path: string; readonly code: string; readonly message: string }[];
  readonly [extension: string]: unknown;
}

/** A page of a list. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly hasMore: boolean;
  readonly nextCursor: string | null;
  readonly total?: { readonly value: number; readonly relation: string };
}

export type RequestHeaders = Readonly<Record<string, string>>;

/** Sends requests with the same credentials. A body that is text or bytes goes as it is, anything else as JSON. */
export interface Client {
  /** The headers of each request. */
  readonly headers: RequestHeaders;
  send(method: string, path: string, options?: { body?: unknown; headers?: RequestHeaders }): Promise<Answer>;
  get(path: string, headers?: RequestHeaders): Promise<Answer>;
  post(path: string, body?: unknown, headers?: RequestHeaders): Promise<Answer>;
  put(path: string, body: unknown, headers?: RequestHeaders): Promise<Answer>;
  patch(path: string, body: unknown, headers?: RequestHeaders): Promise<Answer>;
  delete(path: string, headers?: RequestHeaders): Promise<Answer>;
  /** The same server with further headers. */
  with(headers: RequestHeaders): Client;
}

/** Makes a client of a server. */
export function createClient(url: string, headers: RequestHeaders = {}): Client {
  const send: Client['send'] = async (method, path, options = {}) => {
    const { body } = options;
    const raw = typeof body === 'string' || body instanceof Uint8Array;
    const response = await fetch(`${url}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
        ...options.headers,
      },
      ...(body === undefined ? {} : { body: raw ? (body as string) : JSON.stringify(body) }),
    });
    return toAnswer(response);
  };
  return {
    headers,
    send,
    get: (path, more = {}) => send('GET', path, { headers: more }),
    post: (path, body, more = {}) => send('POST', path, { body, headers: more }),
    put: (path, body, more = {}) => send('PUT', path, { body, headers: more }),
    patch: (path, body, more = {}) => send('PATCH', path, { body, headers: more }),
    delete: (path, more = {}) => send('DELETE', path, { headers: more }),
    with: (more) => createClient(url, { ...headers, ...more }),
  };
}

async function toAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const json = /\bjson\b/.test(response.headers.get('content-type') ?? '') && text !== '';
  const body: unknown = json ? JSON.parse(text) : undefined;
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- see Answer
  const as = <T>(): T => body as T;
  return { status: response.status, headers: response.headers, text, body, as };
}

/** The problem document of an answer. */
export function problemOf(answer: Answer): Problem {
  return answer.as<Problem>();
}

/** The paths of what a refused input has wrong, with the code of each. */
export function problemsOf(answer: Answer): Readonly<Record<string, string>> {
  return Object.fromEntries((problemOf(answer).errors ?? []).map(({ path, code }) => [path, code]));
}
