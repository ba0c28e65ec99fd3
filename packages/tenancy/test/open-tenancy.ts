import {
  err,
  ok,
  runAs,
  type InputProblem,
  type JsonValue,
  type LogFields,
  type Logger,
  type Result,
} from '@tenon/core';
import { createTestClock, type TestClock } from '@tenon/core/testing';
import type { CursorCodec, Listing, ListingParameters, ListRequest } from '@tenon/database';
import { openTestDatabase, type TestDatabase, type TestDriver } from '@tenon/database/testing';
import {
  createTenancy,
  tenancyMigrations,
  type Tenancy,
  type TenancyOptions,
  type TenantSettingsDefinition,
} from '@tenon/tenancy';

export interface Settings {
  readonly timeZone: string;
  readonly maxOrders: number;
  readonly mail: { readonly footer: string };
}

export const settingsDefinition: TenantSettingsDefinition<Settings> = {
  defaults: { timeZone: 'UTC', maxOrders: 100, mail: { footer: '' } },
  parse(input): Result<Settings, readonly InputProblem[]> {
    const problems: InputProblem[] = [];
    const { timeZone, maxOrders, mail, ...rest } = input as Record<string, unknown>;
    for (const name of Object.keys(rest))
      problems.push({ path: `/${name}`, code: 'unknown_field', message: 'not known' });
    if (typeof timeZone !== 'string') problems.push({ path: '/timeZone', code: 'wrong_type', message: 'must be text' });
    if (!Number.isSafeInteger(maxOrders)) {
      problems.push({ path: '/maxOrders', code: 'wrong_type', message: 'must be a whole number' });
    }
    const value = { timeZone: String(timeZone).trim(), maxOrders, mail } as Settings;
    return problems.length === 0 ? ok(value) : err(problems);
  },
};

/** Not signed: forging cursors is the server's concern. */
export const cursors: CursorCodec = {
  encode: (value) => Buffer.from(JSON.stringify(value)).toString('base64url'),
  decode(cursor) {
    try {
      return JSON.parse(Buffer.from(cursor, 'base64url').toString()) as JsonValue;
    } catch {
      return undefined;
    }
  },
};

export function request<Row>(listing: Listing<Row>, parameters: ListingParameters = {}): ListRequest {
  const parsed = listing.parse(parameters, cursors);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

export interface LogLine {
  readonly level: string;
  readonly fields: LogFields;
  readonly message: string;
}

function createMemoryLogger(lines: LogLine[]): Logger {
  const at = (level: string) => (fields: LogFields, message: string) => void lines.push({ level, fields, message });
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  };
  return logger;
}

export interface OpenTenancy {
  readonly tenancy: Tenancy<Settings>;
  readonly test: TestDatabase;
  readonly clock: TestClock;
  readonly log: readonly LogLine[];
  /** How many transactions across tenants were made for a purpose. */
  transactions(purpose: string): number;
  /** A second process' view of the same database: its own caches. */
  another(options?: Partial<TenancyOptions<Settings>>): Tenancy<Settings>;
  /** A new tenant with an owner of its own. */
  newTenant(name?: string): Promise<TestTenant>;
}

export interface TestTenant {
  readonly id: string;
  readonly ownerId: string;
  readonly ownerAccount: string;
  /** Runs work in the tenant, as Tenon itself. */
  inside<T>(work: () => Promise<T>): Promise<T>;
  /** Runs work in the tenant, as the person with an account. */
  as<T>(accountId: string, work: () => Promise<T>): Promise<T>;
}

export async function openTenancy(
  driver: TestDriver,
  options: Partial<TenancyOptions<Settings>> = {},
): Promise<OpenTenancy> {
  const lines: LogLine[] = [];
  const logger = createMemoryLogger(lines);
  const test = await openTestDatabase(driver, [tenancyMigrations()], { logger });
  const clock = createTestClock();
  const another = (more: Partial<TenancyOptions<Settings>> = {}): Tenancy<Settings> =>
    createTenancy({ database: test.database, settings: settingsDefinition, clock, logger, ...options, ...more });
  const tenancy = another();
  let count = 0;
  return {
    tenancy,
    test,
    clock,
    log: lines,
    another,
    transactions: (purpose) => lines.filter(({ fields }) => fields['purpose'] === purpose).length,
    async newTenant(name = 'Acme') {
      count += 1;
      const ownerAccount = `account-of-owner-${count}`;
      const { tenant, owner } = await tenancy.tenants.create({
        name,
        owner: { accountId: ownerAccount, email: `owner${count}@example.com`, name: `Owner ${count}` },
      });
      const as = <T>(accountId: string, work: () => Promise<T>): Promise<T> =>
        runAs({ tenant: tenant.id, actor: { type: 'user', id: accountId } }, work);
      return {
        id: tenant.id,
        ownerId: owner.id,
        ownerAccount,
        inside: (work) => runAs({ tenant: tenant.id, actor: { type: 'system', id: 'test' } }, work),
        as,
      };
    },
  };
}
