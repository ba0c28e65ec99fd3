import type { CredentialKey } from '../../identity/credential-key.ts';
import type { StorageQuery } from '../../storage/credential-storage.ts';
import { scopeRanges } from '../../storage/scope-ranges.ts';
import { sql, type RawBuilder } from 'kysely';
import {
  PUT_FIELDS,
  RECORD_COLUMNS,
  SUMMARY_COLUMNS,
  type PutRow,
  type RecordRow,
  type SummaryRow,
} from './credential-row.ts';

const recordColumns = sql.raw(RECORD_COLUMNS);
const summaryColumns = sql.raw(SUMMARY_COLUMNS);

/** One credential, by the primary key. */
export const selectOne = ({ tenant, scope, id }: CredentialKey): RawBuilder<RecordRow> =>
  sql`select ${recordColumns} from credentials where tenant_id = ${tenant} and scope = ${scope} and id = ${id}`;

/** Many credentials of one tenant. */
export const selectMany = (tenant: string, keys: readonly CredentialKey[]): RawBuilder<RecordRow> =>
  sql`select ${recordColumns} from unnest(${scopesOf(keys)}::text[], ${idsOf(keys)}::text[]) as wanted (wanted_scope, wanted_id)
    join credentials on tenant_id = ${tenant} and scope = wanted_scope and id = wanted_id`;

/** Gives the places of those that were there. */
export const deleteMany = (tenant: string, keys: readonly CredentialKey[]): Changed =>
  sql`delete from credentials
    using unnest(${scopesOf(keys)}::text[], ${idsOf(keys)}::text[]) as wanted (wanted_scope, wanted_id)
    where tenant_id = ${tenant} and scope = wanted_scope and id = wanted_id returning scope, id`;

type Column = keyof typeof PUT_FIELDS;
type Changed = RawBuilder<Pick<CredentialKey, 'scope' | 'id'>>;

const names = Object.keys(PUT_FIELDS) as readonly Column[];
const setNames = names.filter((name) => name !== 'scope' && name !== 'id');
const columns = sql.raw(names.join(', '));

/** Makes one change if its expected revision is there, and gives its place then. */
export function putOne(tenant: string, row: PutRow): Changed {
  const value = (name: Column): RawBuilder<unknown> => {
    const given = row[name] ?? null;
    if (name === 'envelope') return sql`decode(${given}, 'base64')`;
    const type = PUT_FIELDS[name];
    return sql`${type === 'jsonb' && given !== null ? JSON.stringify(given) : given}::${sql.raw(type)}`;
  };
  if (row.expected_revision === 0) {
    return sql`insert into credentials (tenant_id, ${columns}) values (${tenant}, ${sql.join(names.map(value))})
      on conflict (tenant_id, scope, id) do nothing returning scope, id`;
  }
  const assignments = setNames.map((name) => sql`${sql.raw(name)} = ${value(name)}`);
  return sql`update credentials set ${sql.join(assignments)}
    where tenant_id = ${tenant} and scope = ${row.scope} and id = ${row.id} and revision = ${row.expected_revision}
    returning scope, id`;
}

const given = (name: Column): string => (name === 'envelope' ? "decode(given.envelope, 'base64')" : `given.${name}`);
const definition = sql.raw(names.map((name) => `${name} ${PUT_FIELDS[name]}`).join(', '));
const values = sql.raw(names.map(given).join(', '));
const assignments = sql.raw(setNames.map((name) => `${name} = ${given(name)}`).join(', '));

/**
 * Makes each change whose expected revision is there, and gives the places of those. In the order of the key, so that two of them that
 * overlap wait for each other in one direction.
 *
 * @param rows - JSON array of what `toPutRow` gives
 */
export const putMany = (tenant: string, rows: string): Changed =>
  sql`with given as (
      select * from json_to_recordset(${rows}::json) as given (expected_revision bigint, ${definition}) order by scope, id
    ), replaced as (
      update credentials set ${assignments} from given
      where tenant_id = ${tenant} and credentials.scope = given.scope and credentials.id = given.id
        and credentials.revision = given.expected_revision and given.expected_revision > 0
      returning credentials.scope, credentials.id
    ), created as (
      insert into credentials (tenant_id, ${columns})
      select ${tenant}, ${values} from given where given.expected_revision = 0
      on conflict (tenant_id, scope, id) do nothing returning scope, id
    )
    select scope, id from replaced union all select scope, id from created`;

/** Whether a query asks for more than a scope: then the best way to its page depends on what it asks for. */
export const isFiltered = ({
  tags,
  kind,
  createdFrom,
  createdTo,
  expiresBefore,
  notSealedWith,
}: StorageQuery): boolean =>
  [tags, kind, createdFrom, createdTo, expiresBefore, notSealedWith].some((one) => one !== undefined);

/** Makes the database plan the statements of this transaction for their values, and not once for all. */
export const planAnew: RawBuilder<unknown> = sql`set local plan_cache_mode = force_custom_plan`;

/** One page, and one more to tell whether there is another. */
export function selectPage(query: StorageQuery): RawBuilder<SummaryRow> {
  const { tenant, within, after, limit } = query;
  const filters = filtersOf(query);
  const behind = after === undefined ? sql`` : sql` and (scope, id) > (${after.scope}, ${after.id})`;
  const part = (range: RawBuilder<unknown>): RawBuilder<SummaryRow> =>
    sql`select ${summaryColumns} from credentials where tenant_id = ${tenant}${range}${behind}${filters}
      order by scope, id limit ${limit + 1}`;
  if (within === undefined) return part(sql``);
  const [own, below] = [part(sql` and scope = ${within}`), belowOf(within, part)];
  // Each of the two is in order by the primary key, and ends early; one condition with "or" would do neither.
  return sql`select * from ((${own}) union all (${below})) as found order by scope, id limit ${limit + 1}`;
}

function belowOf(within: string, part: (range: RawBuilder<unknown>) => RawBuilder<SummaryRow>): RawBuilder<SummaryRow> {
  const below = scopeRanges(within)[1];
  return part(sql` and scope >= ${below?.from} and scope < ${below?.to}`);
}

function filtersOf(query: StorageQuery): RawBuilder<unknown> {
  const { tags, kind, createdFrom, createdTo, expiresBefore, notSealedWith } = query;
  const conditions: RawBuilder<unknown>[] = [];
  if (tags !== undefined) conditions.push(sql`tags @> ${JSON.stringify(tags)}::jsonb`);
  if (kind !== undefined) conditions.push(sql`kind = ${kind}`);
  if (createdFrom !== undefined) conditions.push(sql`created_at_ms >= ${createdFrom}`);
  if (createdTo !== undefined) conditions.push(sql`created_at_ms <= ${createdTo}`);
  if (expiresBefore !== undefined) conditions.push(sql`expires_at_ms < ${expiresBefore}`);
  // Not "<>", which no index answers.
  if (notSealedWith !== undefined) {
    conditions.push(sql`(sealing_key_ids < ${notSealedWith} or sealing_key_ids > ${notSealedWith})`);
  }
  return sql.join(
    conditions.map((condition) => sql` and ${condition}`),
    sql``,
  );
}

const scopesOf = (keys: readonly CredentialKey[]): readonly string[] => keys.map(({ scope }) => scope);
const idsOf = (keys: readonly CredentialKey[]): readonly string[] => keys.map(({ id }) => id);
