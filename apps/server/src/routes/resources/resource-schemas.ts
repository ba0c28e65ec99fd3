import type { HealthRecord, ResourceToken, ResourceView, ShutDownEntry } from '@tenon/resources';
import { Type, type Static } from 'typebox';
import { Health, toHealth } from './health-schemas.ts';

/** Tags of the API reference. */
export const tags = ['Resources'];

const closed = { additionalProperties: false } as const;
const State = Type.String({
  description:
    '`created` until it is first used; then `initializing`, `ready`, `in-use`, `idle`, `maintenance`, `draining`, `cleanup`, `terminated` or `failed`',
});
/** A resource in a list. */
export const ResourceSchema = Type.Object(
  {
    name: Type.String(),
    technology: Type.String(),
    version: Type.String(),
    state: State,
    health: Health,
    borrowers: Type.Integer({ description: 'leases that are out, of this tenant, in this process' }),
    instances: Type.Integer(),
    waiting: Type.Integer(),
  },
  { title: 'Resource' },
);

/** A resource with everything that may be shown of it. */
export const ResourceDetails = Type.Object(
  {
    ...ResourceSchema.properties,
    settings: Type.Object({}, { additionalProperties: true, description: 'without what its driver hides' }),
    credentials: Type.Object(
      {},
      { additionalProperties: true, description: 'which credential is in which slot, and its version' },
    ),
    dependencies: Type.Array(Type.String()),
    pool: Type.Object({}, { additionalProperties: true }),
    recommendation: Type.Object({}, { additionalProperties: true }),
    history: Type.Array(Health, { description: 'the last looks, the newest first' }),
  },
  { title: 'ResourceDetails' },
);

/** What became of what was closed. */
export const DrainReport = Type.Object(
  {
    items: Type.Array(
      Type.Object({
        resource: Type.String(),
        returned: Type.Integer(),
        destroyed: Type.Integer(),
        forced: Type.Integer(),
        left: Type.Integer(),
      }),
    ),
  },
  { title: 'ResourceDrainReport' },
);

/** Which resources changed. */
export const ReloadReport = Type.Object({ changed: Type.Array(Type.String()) }, { title: 'ResourceReloadReport' });

/** The path of one resource. */
export const NameParameters = Type.Object({ id: Type.String({ maxLength: 64, description: 'its name' }) }, closed);
/** A body that says nothing. */
export const Nothing = Type.Object({}, closed);
/** How long borrowers have. */
export const DrainBody = Type.Object(
  { timeoutMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 60_000, description: 'default 10,000' })) },
  closed,
);

/** A resource for a list; one that was never used has no view. */
export function toShown(
  token: ResourceToken,
  view: ResourceView | undefined,
  last: HealthRecord | undefined,
): Static<typeof ResourceSchema> {
  return {
    name: token.name,
    technology: token.technology,
    version: token.version,
    state: view?.state ?? 'created',
    health: toHealth(view?.health ?? { status: 'unknown' }, last),
    borrowers: view?.borrowers ?? 0,
    instances: view?.pool.size ?? 0,
    waiting: view?.pool.waiting ?? 0,
  };
}

/** A report without the scopes, which are the tenant's own. */
export function toDrained(entries: readonly ShutDownEntry[]): Static<typeof DrainReport> {
  return {
    items: entries.map(({ resource, returned, destroyed, forced, left }) => ({
      resource,
      returned,
      destroyed,
      forced,
      left,
    })),
  };
}
