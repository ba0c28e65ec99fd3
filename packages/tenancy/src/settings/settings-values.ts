import { deepFreeze, type InputProblem, type JsonValue } from '@tenon/core';
import { tenancyError } from '../errors.ts';
import type { CurrentSettings, TenantSettingsDefinition } from './tenant-config.ts';

/** What a tenant has set itself. */
export type OwnSettings = { readonly [key: string]: JsonValue };

/** The settings of an application, as values: what is stored of them, and what that comes to. */
export interface SettingsValues<TSettings extends object> {
  /** What a tenant's own settings come to. @throws `TENANT_SETTINGS_INVALID` */
  current(own: OwnSettings, version: number): CurrentSettings<TSettings>;
  /** A tenant's own settings after a change, in the form that `parse` gives them. @throws `TENANT_SETTINGS_INVALID` */
  merge(own: OwnSettings, patch: Partial<TSettings>): OwnSettings;
}

/**
 * Makes them of a definition.
 *
 * @throws `TENANCY_OPTIONS_INVALID` when the defaults do not pass their own `parse`
 */
export function createSettingsValues<TSettings extends object>(
  definition: TenantSettingsDefinition<TSettings>,
): SettingsValues<TSettings> {
  const defaults = definition.parse(definition.defaults);
  if (!defaults.ok) {
    throw tenancyError('TENANCY_OPTIONS_INVALID', `the default settings are not valid: ${describe(defaults.error)}`);
  }
  const valuesOf = (own: object): TSettings => {
    const parsed = definition.parse({ ...defaults.value, ...own });
    if (parsed.ok) return parsed.value;
    throw tenancyError('TENANT_SETTINGS_INVALID', `the settings are not valid: ${describe(parsed.error)}`, {
      details: { problems: parsed.error.map((problem) => ({ ...problem })) },
    });
  };
  return {
    current: (own, version) => deepFreeze({ values: structuredClone(valuesOf(own)), version }),
    merge(own, patch) {
      const names = new Set([...Object.keys(own), ...Object.keys(patch)]);
      const values = valuesOf({ ...own, ...patch });
      return Object.fromEntries(Object.entries(values).filter(([name]) => names.has(name)));
    },
  };
}

function describe(problems: readonly InputProblem[]): string {
  return problems.map(({ path, message }) => `${path} ${message}`).join('; ');
}
