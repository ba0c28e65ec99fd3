import { Agent, request } from 'node:http';

/** One line of an order. */
export interface Line {
  readonly productId: string;
  readonly quantity: number;
}

/** What became of one request to place an order. */
export interface Attempt {
  /** Its idempotency key. */
  readonly key: string;
  readonly lines: readonly Line[];
  readonly outcome:
    | { readonly kind: 'answered'; readonly status: number; readonly body: { readonly id: string } }
    /** No answer came. `reused`: the connection had carried requests before. */
    | { readonly kind: 'broken'; readonly code: string; readonly reused: boolean };
}

/** A load of order placements. */
export interface OrderLoad {
  readonly attempts: readonly Attempt[];
  /** How many were answered with 201 so far. */
  acknowledged(): number;
  /** Resolves when every connection has stopped: it goes on until its requests are not answered. */
  readonly finished: Promise<void>;
}

/** What {@link startOrderLoad} takes. */
export interface OrderLoadOptions {
  readonly url: string;
  readonly token: string;
  readonly products: readonly string[];
  readonly connections: number;
}

/** Places orders of one to three lines over many kept-alive connections, each request as soon as the one before is answered. */
export function startOrderLoad(options: OrderLoadOptions): OrderLoad {
  const attempts: Attempt[] = [];
  let acknowledged = 0;
  let sequence = 0;
  const runConnection = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (;;) {
      sequence += 1;
      const lines = linesOf(sequence, options.products);
      const key = `order-${sequence}`;
      const outcome = await place(options, agent, key, lines);
      attempts.push({ key, lines, outcome });
      if (outcome.kind === 'broken') break;
      if (outcome.status === 201) acknowledged += 1;
    }
    agent.destroy();
  };
  const connections = Array.from({ length: options.connections }, runConnection);
  return {
    attempts,
    acknowledged: () => acknowledged,
    finished: Promise.all(connections).then(() => undefined),
  };
}

function linesOf(sequence: number, products: readonly string[]): readonly Line[] {
  return Array.from({ length: 1 + (sequence % 3) }, (_, index) => ({
    productId: products[(sequence + index) % products.length] ?? '',
    quantity: 1 + ((sequence + index) % 4),
  }));
}

function place(
  { url, token }: OrderLoadOptions,
  agent: Agent,
  key: string,
  lines: readonly Line[],
): Promise<Attempt['outcome']> {
  return new Promise((resolve) => {
    const body = JSON.stringify({ lines });
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'idempotency-key': key,
    };
    const sent = request(`${url}/v1/orders`, { method: 'POST', agent, headers });
    const broken = (error: NodeJS.ErrnoException): void =>
      resolve({ kind: 'broken', code: error.code ?? error.message, reused: sent.reusedSocket });
    sent.on('error', broken);
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', broken);
      response.on('end', () => {
        resolve({ kind: 'answered', status: response.statusCode ?? 0, body: JSON.parse(text) as { id: string } });
      });
    });
    sent.end(body);
  });
}
