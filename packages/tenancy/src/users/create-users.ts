import { isCodedError, requireTenant, type InputProblem, type Result } from '@tenon/core';
import type { Tx } from '@tenon/database';
import { sql } from 'kysely';
import type { Memberships } from '../memberships/create-memberships.ts';
import type { TenancyConfig } from '../options.ts';
import { USERS_QUOTA } from '../quotas/create-quotas.ts';
import type { Quotas } from '../quotas/quotas.ts';
import { isRowId } from '../row-id.ts';
import type { SecurityRecorder } from '../security-events/security-recorder.ts';
import type { TenancyTables } from '../tables.ts';
import { findActingPerson } from './acting-person.ts';
import { changeUser } from './change-user.ts';
import { importUsers } from './import-users.ts';
import { assertOwnerRemains, lockPerson } from './lock-people.ts';
import { parseNewUser, parseNewUsers, parseUserPatch, parseUserReplacement } from './parse-user.ts';
import { assertMayAssignRole } from './role.ts';
import { nameUserFailure, userInUse, userInvalid, userNotFound } from './user-errors.ts';
import { userListing } from './user-listing.ts';
import { userRepository } from './user-repository.ts';
import type { User, UserPatch } from './user.ts';
import type { Users } from './users.ts';

const MAX_IMPORT_ROWS = 10_000;
const NO_DETAILS = { company: null, title: null, city: null, country: null, phone: null };

/** What the service of people works with. */
export interface UsersParts {
  readonly config: TenancyConfig;
  readonly memberships: Memberships;
  readonly quotas: Quotas;
  readonly recorder: SecurityRecorder;
}

/** Makes the service. */
export function createUsers(parts: UsersParts): Users {
  const { config, memberships, quotas, recorder } = parts;

  const write = async <T>(work: (tx: Tx<TenancyTables>) => Promise<T>): Promise<T> => {
    try {
      return await config.database.withTenant(work);
    } catch (error) {
      throw nameUserFailure(error);
    }
  };

  const change = async (id: string, fields: UserPatch, expectedVersion: number | undefined): Promise<User> => {
    const tenant = requireTenant();
    if (!isRowId(id)) throw userNotFound();
    const now = new Date(config.clock.now());
    const { user, events } = await write(async (tx) => {
      const outcome = await changeUser(tx, { id, fields, expectedVersion, now });
      const prepared = outcome.events.map((event) => recorder.prepare(event));
      await recorder.write(tx, prepared);
      return { user: outcome.user, events: prepared };
    });
    memberships.drop(user.accountId, tenant);
    recorder.announce(events);
    return user;
  };

  return {
    async list(request, cursors) {
      const tenant = requireTenant();
      const page = await config.database.withTenant((tx) =>
        userListing.read(tx, request, cursors, (query) => query.where('tenant_id', '=', tenant)),
      );
      return { ...page, items: page.items.map((row) => userRepository.toRecord(row)) };
    },

    async get(id) {
      requireTenant();
      return isRowId(id) ? config.database.withTenant((tx) => userRepository.find(tx, id)) : undefined;
    },

    async create(input, options = {}) {
      const tenant = requireTenant();
      const { role = 'member', status = 'active', ...fields } = valid(parseNewUser(input));
      const accountId = options.accountId ?? null;
      if (accountId !== null && !isRowId(accountId)) {
        throw userInvalid([{ path: '/accountId', code: 'not_an_id', message: 'must be the id of an account' }]);
      }
      const at = new Date(config.clock.now()).toISOString();
      const user = await write(async (tx) => {
        const acting = await findActingPerson(tx);
        assertMayAssignRole(acting.role, undefined, role);
        const id = config.newId();
        const standing = { role, status, accountId, createdAt: at, updatedAt: at };
        const added = await userRepository.insert(tx, { id, ...NO_DETAILS, ...fields, ...standing });
        await quotas.reserve(tx, USERS_QUOTA, 1);
        return added;
      });
      memberships.drop(user.accountId, tenant);
      return user;
    },

    async replace(id, input, expectedVersion) {
      return change(id, { ...NO_DETAILS, ...valid(parseUserReplacement(input)) }, expectedVersion);
    },

    async update(id, patch, expectedVersion) {
      return change(id, valid(parseUserPatch(patch)), expectedVersion);
    },

    async remove(id, expectedVersion) {
      const tenant = requireTenant();
      if (!isRowId(id)) throw userNotFound();
      const events = [recorder.prepare({ type: 'user.removed', resource: `users/${id}` })];
      const removed = await write(async (tx) => {
        const locked = await lockPerson(tx, id, { expectedVersion, withOwners: true });
        const acting = await findActingPerson(tx);
        assertMayAssignRole(acting.role, locked.person.role, locked.person.role);
        assertOwnerRemains(locked, undefined);
        // Setting the quota locks this row against us, see there.
        await sql`select from tenants where tenant_id = ${tenant} for key share`.execute(tx);
        await userRepository.remove(tx, id);
        await quotas.release(tx, USERS_QUOTA, 1);
        await recorder.write(tx, events);
        return locked.person;
      }).catch((error: unknown) => {
        throw isCodedError(error, 'DATABASE_REFERENCE_MISSING') ? userInUse(error) : error;
      });
      memberships.drop(removed.accountId, tenant);
      recorder.announce(events);
    },

    async importBatch(rows) {
      requireTenant();
      if (rows.length > MAX_IMPORT_ROWS) {
        throw userInvalid([{ path: '', code: 'too_many', message: `must be at most ${MAX_IMPORT_ROWS} rows` }]);
      }
      const people = valid(parseNewUsers(rows));
      const now = new Date(config.clock.now());
      // Imported profiles change nobody's role, status or account: no membership has to be forgotten.
      return write(async (tx) => {
        const report = await importUsers(tx, people, { newId: config.newId, now });
        await quotas.reserve(tx, USERS_QUOTA, report.created);
        return report;
      });
    },
  };
}

function valid<T>(parsed: Result<T, readonly InputProblem[]>): T {
  if (parsed.ok) return parsed.value;
  throw userInvalid(parsed.error);
}
