import { err, ok, type InputProblem } from '@tenon/core';
import type { TenantSettingsDefinition } from '@tenon/tenancy';
import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { problemsOfErrors } from './http/check-body.ts';

/** What a tenant can set. */
export const TenantSettings = Type.Object(
  {
    defaultCurrency: Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217 code that clients offer first' }),
    lowStockLevel: Type.Integer({
      minimum: 0,
      maximum: 1_000_000,
      description: 'products at or below it are shown as low',
    }),
    language: Type.String({
      pattern: '^[a-z]{2}(-[A-Z]{2})?$',
      description: 'BCP 47 language of the tenant, for example de or pt-BR',
    }),
  },
  { additionalProperties: false, title: 'TenantSettings' },
);
export type TenantSettings = Static<typeof TenantSettings>;

/** The settings of a tenant, with what holds until they are changed. */
export const tenantSettingsDefinition: TenantSettingsDefinition<TenantSettings> = {
  defaults: { defaultCurrency: 'USD', lowStockLevel: 10, language: 'en' },
  parse(input: unknown) {
    if (Value.Check(TenantSettings, input)) return ok(input);
    const problems: readonly InputProblem[] = problemsOfErrors(Value.Errors(TenantSettings, input));
    return err(problems);
  },
};
