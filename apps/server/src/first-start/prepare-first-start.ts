import { randomBytes } from 'node:crypto';
import type { Account } from '@tenon/auth';
import { isCodedError, problemsOf, runAs, Secret, sleep, systemClock, type Logger } from '@tenon/core';
import { serverError } from '../errors.ts';
import type { Services } from '../services.ts';
import type { Settings } from '../settings/settings.ts';
import { loadSampleData } from './load-sample-data.ts';
import { takeLock } from './take-lock.ts';

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
const UNFINISHED = 'server:first-start:unfinished';
const TENANT = 'main';
const POLL_MS = 250;

/**
 * Makes the first tenant and its owner when the database has no tenant yet, and goes on with a first start that was killed half
 * way. Of several processes that start together, one does it and the others wait.
 *
 * @throws `SETTINGS_INVALID` when the owner of the settings is refused
 */
export async function prepareFirstStart(options: FirstStartOptions): Promise<FirstStart> {
  const { kv, tenancy } = options.services;
  // In this order: the mark of an unfinished start is there before the tenant is.
  const isDone = async (): Promise<boolean> =>
    (await tenancy.tenants.list({ limit: 1 })).length > 0 && (await kv.get(UNFINISHED)) === undefined;
  while (!(await isDone())) {
    const lock = await takeLock(kv, LOCK);
    if (lock === undefined) {
      await sleep(systemClock, POLL_MS);
      continue;
    }
    try {
      if (!(await isDone())) return await makeFirstTenant(options);
    } finally {
      await lock.release();
    }
  }
  return {};
}

// Each step looks what is there: a start that was killed may have come this far or further.
async function makeFirstTenant(options: FirstStartOptions): Promise<FirstStart> {
  const { services, settings } = options;
  const { kv, tenancy } = services;
  const password = settings.ownerPassword ?? new Secret(makePassword());
  await kv.set(UNFINISHED, Buffer.from(TENANT));
  const account = await makeOwner(options, password);
  if ((await tenancy.tenants.list({ limit: 1 })).length === 0) {
    const owner = { accountId: account.id, email: account.email, name: account.name };
    await tenancy.tenants.create({ id: TENANT, name: 'My company', owner });
  }
  const sample = settings.sampleData
    ? await runAs({ tenant: TENANT, actor: { type: 'system', id: 'first-start' } }, () => loadSampleData(services))
    : undefined;
  await kv.delete(UNFINISHED);
  options.logger.info({ tenantId: TENANT, ...(sample === undefined ? {} : { sample }) }, 'first tenant and owner made');
  return {
    owner: { email: account.email, tenantId: TENANT },
    ...(settings.ownerPassword === undefined ? { password } : {}),
    ...(sample === undefined ? {} : { sample }),
  };
}

async function makeOwner({ services: { auth }, settings }: FirstStartOptions, password: Secret): Promise<Account> {
  const email = settings.ownerEmail;
  try {
    const existing = await auth.accounts.findByEmail(email);
    if (existing === undefined) return await auth.register({ email, password, name: 'Owner' });
    // Nobody has seen the password that the killed start made up.
    await auth.setPassword(existing.id, password);
    return existing;
  } catch (error) {
    if (!isCodedError(error, 'AUTH_INPUT_INVALID')) throw error;
    const lines = problemsOf(error).map(
      ({ path, message }) => `  TENON_OWNER_${path === '/email' ? 'EMAIL' : 'PASSWORD'}: ${message}`,
    );
    throw serverError('SETTINGS_INVALID', `the settings are wrong:\n${lines.join('\n')}`, { cause: error });
  }
}

// 80 bits in groups of four: easy to type, and no question of what is a letter and what a digit.
function makePassword(): string {
  return (randomBytes(10).toString('hex').match(/.{4}/g) ?? []).join('-');
}
