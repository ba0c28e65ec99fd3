import { standardPipeline } from '@tenon/resilience';

const mail = standardPipeline({ name: 'mail', attemptTimeoutMs: 2_000 });
const quote = await mail.run(({ signal }) => askForQuote('order-7', { signal }), { idempotent: true });
console.log(quote); // 42 EUR

async function askForQuote(order: string, { signal }: { readonly signal: AbortSignal }): Promise<string> {
  signal.throwIfAborted();
  return order === 'order-7' ? '42 EUR' : 'unknown';
}
