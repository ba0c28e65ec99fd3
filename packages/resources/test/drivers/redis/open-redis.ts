import { randomUUID } from 'node:crypto';
import { Secret } from '@tenon/core';
import {
  createResources,
  type CredentialReader,
  type Resources,
  type ResourcesOptions,
  type ResourceToken,
  type SlotCredential,
} from '@tenon/resources';
import {
  redis,
  type RedisFace,
  type RedisOptions,
  type RedisSubscription,
  type RedisSubscriptionEvent,
} from '@tenon/resources/drivers/redis';
import { Redis } from 'ioredis';
import { expect, onTestFinished } from 'vitest';
import { inTenant } from '../../support/open-resources.ts';

export const redisUrl = process.env['TENON_TEST_REDIS_URL'];
export const clusterUrl = process.env['TENON_TEST_REDIS_CLUSTER_URL'];

/** Short, so that a fault is noticed soon. */
export const quick = {
  commandTimeoutMs: 400,
  connectTimeoutMs: 400,
  reconnectInitialMs: 20,
  reconnectMaxMs: 80,
} as const;

export interface OpenRedis {
  readonly resources: Resources;
  readonly token: ResourceToken<RedisFace>;
  /** What comes before the tenant, different for each test. */
  readonly keyPrefix: string;
  readonly face: (tenant?: string) => Promise<Borrowed>;
}

type Borrowed = Awaited<ReturnType<Resources['acquire']>> & RedisFace;

export function openRedis(
  options: Partial<RedisOptions> & { readonly url: string },
  vault?: CredentialReader,
  registry: ResourcesOptions = {},
): OpenRedis {
  const keyPrefix = options.keyPrefix ?? `test-${randomUUID()}:`;
  const token = redis('cache', { ...options, keyPrefix });
  const resources = createResources({ ...registry, define: [token], ...(vault === undefined ? {} : { vault }) });
  onTestFinished(async () => void (await resources.close({ timeoutMs: 0 })));
  return {
    resources,
    token,
    keyPrefix,
    face: (tenant = 'acme') => inTenant(tenant, () => resources.acquire(token)),
  };
}

/** A client of the test's own. */
export function plainClient(url: string): Redis {
  const client = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
  client.on('error', () => undefined);
  onTestFinished(() => client.disconnect());
  return client;
}

/** A vault with logins that can be changed. */
export class LoginVault implements CredentialReader {
  readonly #logins = new Map<string, SlotCredential>();

  put(id: string, username: string | undefined, password: string): void {
    const version = (this.#logins.get(id)?.version ?? 0) + 1;
    this.#logins.set(id, {
      kind: username === undefined ? 'api-key' : 'basic',
      version,
      secret: new Secret(password),
      value: username === undefined ? {} : { username },
      expiresAt: undefined,
    });
  }

  async retrieve({ id }: { readonly id: string }): Promise<SlotCredential | undefined> {
    return this.#logins.get(id);
  }
}

/** Makes a user that may do everything, until the end of the test. */
export async function makeUser(admin: Redis, password: string): Promise<string> {
  const name = `user-${randomUUID()}`;
  await admin.call('ACL', ['SETUSER', name, 'on', `>${password}`, '~*', '&*', '+@all']);
  return name;
}

/** Reads a subscription in the background. */
export function collect(subscription: RedisSubscription): {
  readonly events: RedisSubscriptionEvent[];
  readonly done: Promise<unknown>;
} {
  const events: RedisSubscriptionEvent[] = [];
  const done = (async () => {
    for await (const event of subscription) events.push(event);
  })().catch((error: unknown) => error);
  return { events, done };
}

export async function until(look: () => unknown, timeout = 10_000): Promise<void> {
  await expect.poll(async () => (await look(), true), { interval: 10, timeout }).toBe(true);
}
