import { Secret } from '@tenon/core';
import type { Cli } from './cli.ts';

/** All of standard input as a secret, without the one line end that pipes put behind it; `undefined` when there is nothing. */
export async function readSecret(cli: Cli): Promise<Secret | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of cli.stdin) chunks.push(Buffer.from(chunk));
  const text = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  return text === '' ? undefined : new Secret(text);
}
