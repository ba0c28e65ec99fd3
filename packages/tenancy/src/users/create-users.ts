import { isCodedError, requireTenant, type InputProblem, type Result } from '@tenon/core';
import { mapPage, type Tx } from '@tenon/database';
import type { Memberships } from '../memberships/create-memberships.ts';
import type { TenancyConfig } from '../options.ts';
import { reserveQuota } from '../quotas/reserve-quota.ts';
import { USERS_QUOTA } from '../quotas/set-quota.ts';
import { isRowId } from '../row-id.ts';
import type { SecurityRecorder } from '../security-events/security-recorder.ts';
import type { TenancyTables } from '../tables.ts';
import { addUser, NO_DETAILS } from './add-user.ts';
import { changeUser } from './change-user.ts';
import { importUsers } from './import-users.ts';
import { parseNewUser, parseNewUsers, parseUserPatch, parseUserReplacement } from './parse-user.ts';
import { removeUser } from './remove-user.ts';
import { nameUserFailure, userInUse, userInvalid, userNotFound } from './user-errors.ts';
import { userListing } from './user-listing.ts';
import { userRepository } from './user-repository.ts';
import type { NewUser, User, UserPatch } from './user.ts';
import type { CreateUserOptions, UserImportReport, Users } from './users.ts';

const MAX_IMPORT_ROWS = 10_000;

/** What the service of people works with. */
export interface UsersParts {
  readonly config: TenancyConfig;
  readonly memberships: Memberships;
  readonly recorder: SecurityRecorder;
}

/** Makes the service. */
export function createUsers(parts: UsersParts): Users {
  const { database } = parts.config;
  return {
    async list(request, cursors) {
      const tenant = requireTenant();
      const page = await database.withTenant((tx) =>
        userListing.read(tx, request, cursors, (query) => query.where('tenant_id', '=', tenant)),
      );
      return mapPage(page, (row) => userRepository.toRecord(row));
    },

    async get(id) {
      requireTenant();
      return isRowId(id) ? database.withTenant((tx) => userRepository.find(tx, id)) : undefined;
    },

    create: (input, options = {}) => create(parts, input, options),

    async replace(id, input, expectedVersion) {
      return change(parts, id, { ...NO_DETAILS, ...valid(parseUserReplacement(input)) }, expectedVersion);
    },

    async update(id, patch, expectedVersion) {
      return change(parts, id, valid(parseUserPatch(patch)), expectedVersion);
    },

    remove: (id, expectedVersion) => remove(parts, id, expectedVersion),
    importBatch: (rows) => importBatch(parts, rows),
  };
}

async function create(parts: UsersParts, input: NewUser, options: CreateUserOptions): Promise<User> {
  const tenant = requireTenant();
  const checked = valid(parseNewUser(input));
  const accountId = options.accountId ?? null;
  if (accountId !== null && !isRowId(accountId)) {
    throw userInvalid([{ path: '/accountId', code: 'not_an_id', message: 'must be the id of an account' }]);
  }
  const user = await write(parts, (tx) => addUser(tx, parts.config, checked, accountId));
  parts.memberships.drop(user.accountId, tenant);
  return user;
}

async function change(
  { config, memberships, recorder }: UsersParts,
  id: string,
  fields: UserPatch,
  expectedVersion: number | undefined,
): Promise<User> {
  const tenant = requireTenant();
  if (!isRowId(id)) throw userNotFound();
  const now = new Date(config.clock.now());
  const { user, events } = await write({ config }, async (tx) => {
    const outcome = await changeUser(tx, { id, fields, expectedVersion, now });
    const prepared = outcome.events.map((event) => recorder.prepare(event));
    await recorder.write(tx, prepared);
    return { user: outcome.user, events: prepared };
  });
  memberships.drop(user.accountId, tenant);
  recorder.announce(events);
  return user;
}

async function remove(parts: UsersParts, id: string, expectedVersion: number | undefined): Promise<void> {
  const { memberships, recorder } = parts;
  const tenant = requireTenant();
  if (!isRowId(id)) throw userNotFound();
  const events = [recorder.prepare({ type: 'user.removed', resource: `users/${id}` })];
  const removing = write(parts, async (tx) => {
    const user = await removeUser(tx, id, expectedVersion);
    await recorder.write(tx, events);
    return user;
  });
  const removed = await removing.catch((error: unknown) => {
    throw isCodedError(error, 'DATABASE_REFERENCE_MISSING') ? userInUse(error) : error;
  });
  memberships.drop(removed.accountId, tenant);
  recorder.announce(events);
}

async function importBatch(parts: UsersParts, rows: readonly NewUser[]): Promise<UserImportReport> {
  const { newId, clock } = parts.config;
  requireTenant();
  if (rows.length > MAX_IMPORT_ROWS) {
    throw userInvalid([{ path: '', code: 'too_many', message: `must be at most ${MAX_IMPORT_ROWS} rows` }]);
  }
  const people = valid(parseNewUsers(rows));
  const now = new Date(clock.now());
  // Imported profiles change nobody's role, status or account: no membership has to be forgotten.
  return write(parts, async (tx) => {
    const report = await importUsers(tx, people, { newId, now });
    await reserveQuota(tx, USERS_QUOTA, report.created);
    return report;
  });
}

async function write<T>(
  { config }: Pick<UsersParts, 'config'>,
  work: (tx: Tx<TenancyTables>) => Promise<T>,
): Promise<T> {
  try {
    return await config.database.withTenant(work);
  } catch (error) {
    throw nameUserFailure(error);
  }
}

function valid<T>(parsed: Result<T, readonly InputProblem[]>): T {
  if (parsed.ok) return parsed.value;
  throw userInvalid(parsed.error);
}
