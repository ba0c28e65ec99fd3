import type { LogFields, Logger } from '@tenon/core';
import { createEgress, type Egress, type EgressOptions, type EgressPolicyOptions } from '@tenon/egress';
import { afterEach } from 'vitest';
import type { TestServer } from './test-server.ts';

/** Opens what tests need: servers on loopback and the HTTP that goes to them. All of it is closed after each test. */
export const loopback: EgressPolicyOptions = {
  schemes: ['http', 'https'],
  ports: 'any',
  allowPrivate: ['127.0.0.0/8', '::1/128'],
};

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** Has a server closed after the test. */
export async function kept(opening: Promise<TestServer>): Promise<TestServer> {
  const server = await opening;
  closing.push(() => server.close());
  return server;
}

/** An egress that may reach loopback, and finds every name there unless it is given another resolver. */
export function openEgress(options: EgressOptions = {}): Egress {
  const egress = createEgress({ policy: loopback, resolver: () => Promise.resolve(['127.0.0.1']), ...options });
  closing.push(() => egress.close({ signal: AbortSignal.abort() }));
  return egress;
}

/** A logger that keeps its lines. */
export function openLog(): {
  readonly lines: { readonly level: string; readonly fields: LogFields; readonly message: string }[];
  readonly logger: Logger;
} {
  const lines: { level: string; fields: LogFields; message: string }[] = [];
  const at = (level: string) => (fields: LogFields, message: string) => void lines.push({ level, fields, message });
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  };
  return { lines, logger };
}

/** Moves a clock on once a condition holds that real sockets bring about. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; !condition(); turns += 1) {
    if (turns > 5_000) throw new Error('it never became true');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
