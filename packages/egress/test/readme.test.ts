import { readFileSync } from 'node:fs';
import { codeOf, failureOf } from '@tenon/core/testing';
import { checkAddress, createEgress, egressErrorCodes } from '@tenon/egress';
import { describe, expect, it } from 'vitest';
import { kept, loopback, openEgress } from './support/open-egress.ts';
import { openServer } from './support/test-server.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const source = readFileSync(new URL('../src/egress-options.ts', import.meta.url), 'utf8');

/** The section under a heading. */
const section = (heading: string): string =>
  readme.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';

/** The code of the README's blocks, in order, without imports. */
const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) =>
  code.replaceAll(/^import .*\n/gm, ''),
);

/** Runs a block; what it makes with createEgress is given to it, so that it meets a server of the test. */
async function run(code: string, create: typeof createEgress, print: (...values: unknown[]) => void): Promise<void> {
  const AsyncFunction = (async () => undefined).constructor as new (
    ...args: string[]
  ) => (...args: unknown[]) => Promise<void>;
  await new AsyncFunction('createEgress', 'checkAddress', 'console', code)(create, checkAddress, { log: print });
}

describe('the README', () => {
  it('begins with a few lines that send a request, and refuse another', async () => {
    const server = await kept(openServer((_request, response) => void response.writeHead(202).end('thanks')));
    const printed: unknown[] = [];
    const create: typeof createEgress = () => {
      const egress = openEgress({ policy: loopback });
      const request: typeof egress.request = (wanted) =>
        egress.request({ ...wanted, url: `http://hooks.example.com:${server.port}${new URL(wanted.url).pathname}` });
      return { ...egress, request };
    };
    const refused: unknown[] = [];
    await run(blocks[0] ?? '', createEgress, (...values) => void refused.push(...values));
    expect(refused).toEqual(['EGRESS_ADDRESS_FORBIDDEN']);
    const sent = (blocks[0] ?? '')
      .replace("{ ...order, url: 'https://169.254.169.254/' }", 'order')
      .replace('console.log(response)', 'console.log(response.status, await response.body.text())');
    await run(sent, create, (...values) => void printed.push(...values));
    expect(printed).toEqual([202, 'thanks']);
    expect(server.requests).toMatchObject([{ method: 'POST', url: '/orders', body: '{}' }]);
  });

  it('shows a policy that does what it says', async () => {
    let made: ReturnType<typeof createEgress> | undefined;
    await run(
      blocks[1] ?? '',
      (options) => (made = createEgress(options)),
      () => undefined,
    );
    expect(blocks).toHaveLength(2);
    expect(await codeOf(made?.request({ url: 'https://10.20.0.1/' }) ?? Promise.resolve())).toBe(
      'EGRESS_ADDRESS_FORBIDDEN',
    );
    expect(await codeOf(made?.request({ url: 'https://10.21.0.2/' }) ?? Promise.resolve())).toBe(
      'EGRESS_ADDRESS_FORBIDDEN',
    );
    const gone = made?.request({ url: 'https://10.20.0.2/', signal: AbortSignal.abort() }) ?? Promise.resolve();
    expect((await failureOf(gone)).code).toBe('EGRESS_ABORTED');
    await made?.close();
  });

  it('explains every error', () => {
    const named = [...section('Answers and failures').matchAll(/^\| `([A-Z_]+)`/gm)].map(([, code]) => code);
    expect(named).toEqual(egressErrorCodes);
  });

  it('lists every option with its default and its range as the code has them', () => {
    const told = [...section('Options').matchAll(/^\| `(\w+)` +\| (\d+) +\| (\d+) to (\d+)/gm)].map((row) =>
      row.slice(1),
    );
    const set = [...source.matchAll(/^ {2}(\w+): \[([\d_]+), ([\d_]+), ([\d_]+)\]/gm)].map((row) =>
      row
        .slice(1)
        .map((text) => text.replaceAll('_', (mark, at: number) => (/\d/.test(text[at - 1] ?? '') ? '' : mark))),
    );
    expect(set.length).toBeGreaterThan(10);
    expect(told).toEqual(set);
  });
});
