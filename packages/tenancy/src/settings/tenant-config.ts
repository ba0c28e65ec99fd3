import type { Actor, InputProblem, JsonValue, Result } from '@tenon/core';

/** What an application's tenants can set. */
export interface TenantSettingsDefinition<TSettings extends object> {
  /** What holds for a tenant that has set nothing. Must pass `parse`. JSON values only. */
  readonly defaults: TSettings;
  /** Checks whole settings and brings them into their form; reports all problems at once. */
  parse(input: unknown): Result<TSettings, readonly InputProblem[]>;
}

/** A tenant's settings with their version. Frozen, all the way down. */
export interface CurrentSettings<TSettings extends object> {
  readonly values: Readonly<TSettings>;
  /** 1 before the first change; raised by each. */
  readonly version: number;
}

/** One recorded change of settings. */
export interface SettingsChange {
  /** The version that the change made. */
  readonly version: number;
  readonly changedBy: Pick<Actor, 'type' | 'id'> | null;
  readonly requestId: string | null;
  /** ISO 8601, UTC. */
  readonly changedAt: string;
  /** The tenant's own values before and after, without the defaults. */
  readonly before: { readonly [key: string]: JsonValue };
  readonly after: { readonly [key: string]: JsonValue };
}

/** The typed settings of the context's tenant. Every change is versioned and recorded. */
export interface TenantConfig<TSettings extends object> {
  /**
   * The settings, from a cache as old as `cacheTtlMs` at most. A change made by this process shows at once.
   *
   * @throws `TENANT_NOT_FOUND`; `TENANT_SETTINGS_INVALID` when what is stored no longer passes `parse`
   */
  get(): Promise<CurrentSettings<TSettings>>;
  /**
   * Changes some settings. Only what a tenant has set is stored, so a new default reaches everybody else.
   *
   * @param patch - top-level settings to set; the others stay
   * @param expectedVersion - refuse unless the settings still have this version
   * @throws `TENANT_SETTINGS_INVALID` with `details.problems`; `TENANT_SETTINGS_VERSION_CONFLICT`; `TENANT_NOT_FOUND`
   */
  update(patch: Partial<TSettings>, expectedVersion?: number): Promise<CurrentSettings<TSettings>>;
  /** The latest changes, newest first. @param limit - 1 to 100, default 20 */
  history(limit?: number): Promise<readonly SettingsChange[]>;
}
