import { randomBytes } from 'node:crypto';
import { runAs, Secret, sleep, systemClock, type Logger } from '@tenon/core';
import type { Services } from '../services.ts';
import type { Settings } from '../settings/settings.ts';
import { loadSampleData } from './load-sample-data.ts';

/** What a first start made; all undefined on every later one. */
export interface FirstStart {
  readonly owner?: { readonly email: string; readonly tenantId: string };
  /** Made up here, to be shown once. Undefined when the settings gave one. */
  readonly password?: Secret;
  readonly sample?: { readonly users: number; readonly products: number; readonly orders: number };
}

/** What {@link prepareFirstStart} takes. */
export interface FirstStartOptions {
  readonly services: Services;
  readonly settings: Settings;
  readonly logger: Logger;
}

const LOCK = 'server:first-start';
const LOCK_MS = 20_000;

/**
 * Makes the first tenant and its owner when the database has no tenant yet. Safe when several processes start together, and
 * after a start that was killed half way: each step looks what is there.
 */
export async function prepareFirstStart(options: FirstStartOptions): Promise<FirstStart> {
  const { services } = options;
  const { tenancy } = services;
  const hasTenant = async (): Promise<boolean> => (await tenancy.tenants.list({ limit: 1 })).length > 0;
  // Of several processes that start together, one makes the tenant and the others wait. The lock ends by itself, in case the
  // one that holds it is killed.
  while (!(await hasTenant())) {
    if (await services.kv.setIfAbsent(LOCK, Buffer.from(String(process.pid)), { ttlMs: LOCK_MS })) {
      return (await hasTenant()) ? {} : makeFirstTenant(options);
    }
    await sleep(systemClock, 250);
  }
  return {};
}

async function makeFirstTenant(options: FirstStartOptions): Promise<FirstStart> {
  const { services, settings } = options;
  const { tenancy, auth } = services;
  const password = settings.ownerPassword ?? new Secret(makePassword());
  const email = settings.ownerEmail;
  const existing = await auth.accounts.findByEmail(email);
  const account = existing ?? (await auth.register({ email, password, name: 'Owner' }));
  // A start that was killed between the two steps left an account whose password nobody saw.
  if (existing !== undefined) await auth.setPassword(existing.id, password);
  const { tenant } = await tenancy.tenants.create({
    id: 'main',
    name: 'My company',
    owner: { accountId: account.id, email: account.email, name: account.name },
  });
  const sample = settings.sampleData
    ? await runAs({ tenant: tenant.id, actor: { type: 'system', id: 'first-start' } }, () => loadSampleData(services))
    : undefined;
  options.logger.info(
    { tenantId: tenant.id, ...(sample === undefined ? {} : { sample }) },
    'first tenant and owner made',
  );
  return {
    owner: { email: account.email, tenantId: tenant.id },
    ...(settings.ownerPassword === undefined ? { password } : {}),
    ...(sample === undefined ? {} : { sample }),
  };
}

// 80 bits in groups of four: easy to type, and no question of what is a letter and what a digit.
function makePassword(): string {
  return (randomBytes(10).toString('hex').match(/.{4}/g) ?? []).join('-');
}
