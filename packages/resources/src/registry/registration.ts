import { createHash } from 'node:crypto';
import { serialize } from 'node:v8';
import { deepFreeze } from '@tenon/core';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import type { CredentialSlot } from '../credentials/credential-slots.ts';
import type { Dependencies, HealthOptions, PoolSettings } from '../definition/resource-definition.ts';
import type { ResourceToken } from '../definition/resource-token.ts';
import { resourceError } from '../errors.ts';
import { checkHealthOptions } from '../health/check-health-options.ts';
import { resolvePoolOptions } from '../pool/resolve-pool-options.ts';
import { globalScope, type ResourceScope } from '../scope/resource-scope.ts';

/** How a resource is to be in one scope. What is left out is as in its definition. */
export interface RegistrationOptions<Config = unknown> {
  /** Where this holds, and in all that lies in it. Default: everywhere. */
  readonly scope?: ResourceScope;
  /** The settings. */
  readonly config?: Config;
  /** Which credentials fill the slots, by slot. */
  readonly credentials?: Readonly<Record<string, { readonly id: string; readonly scope?: string }>>;
  /** Other resources in the place of those it needs, by the name under which it gets them. They must have the same face. */
  readonly dependencies?: Dependencies;
  /** Settings of its pools. */
  readonly pool?: PoolSettings;
  /** How it is watched. */
  readonly health?: HealthOptions;
}

/** A resource as it is in one scope. */
export interface Registration {
  readonly token: ResourceToken;
  readonly scope: ResourceScope;
  readonly config: unknown;
  /** Two registrations of one token with the same fingerprint make the same instances. */
  readonly fingerprint: string;
  readonly slots: Readonly<Record<string, CredentialSlot>>;
  readonly dependencies: Dependencies;
  readonly pool: PoolSettings;
  readonly health: HealthOptions;
}

/** Instances of a shared resource that may live at once: the one in use, and those that still serve earlier borrowers. */
const SHARED_INSTANCES = 8;

/**
 * Checks what a registration says, and completes it from the definition.
 *
 * @throws `RESOURCE_CONFIGURATION_INVALID` naming the settings, slots and options that are wrong, without their values
 */
export function createRegistration(token: ResourceToken, options: RegistrationOptions): Registration {
  const { definition } = token;
  const config = checkConfig(token, options.config ?? definition.config);
  const slots = fillIn(token, options.credentials ?? {});
  const size = definition.use === 'shared' ? { max: SHARED_INSTANCES } : {};
  const pool = { ...definition.pool, ...options.pool, ...size };
  resolvePoolOptions({ ...pool, name: token.name, create: () => undefined, destroy: () => undefined });
  const health = { ...definition.health, ...options.health };
  checkHealthOptions(token.name, health);
  const dependencies = { ...definition.dependencies, ...options.dependencies };
  return Object.freeze({
    token,
    scope: options.scope ?? globalScope,
    config,
    fingerprint: fingerprint([config, slotPlaces(slots), pool, dependencyNames(dependencies), health]),
    slots,
    dependencies,
    pool,
    health,
  });
}

function checkConfig({ name, definition }: ResourceToken, given: unknown): unknown {
  const config = Value.Default(definition.schema, copyOf(name, given));
  const validator = Compile(definition.schema);
  if (validator.Check(config)) return deepFreeze(config);
  const problems = validator
    .Errors(config)
    .map(({ instancePath, keyword, message }) => ({ path: instancePath, code: keyword, message }));
  const places = problems.map(({ path, message }) => `${path === '' ? 'they' : path} ${message}`).join('; ');
  throw resourceError(
    'RESOURCE_CONFIGURATION_INVALID',
    `the settings of resource "${name}" cannot be used: ${places}`,
    {
      details: { resource: name, problems },
    },
  );
}

/** What the caller changes afterwards must change nothing here. */
function copyOf(resource: string, given: unknown): unknown {
  try {
    return structuredClone(given);
  } catch {
    throw resourceError(
      'RESOURCE_CONFIGURATION_INVALID',
      `the settings of resource "${resource}" must be plain data: what does things belongs into "create"`,
      { details: { resource } },
    );
  }
}

function fillIn(
  { name, definition }: ResourceToken,
  given: NonNullable<RegistrationOptions['credentials']>,
): Registration['slots'] {
  const unknown = Object.keys(given).find((slot) => !Object.hasOwn(definition.credentials, slot));
  if (unknown !== undefined) {
    throw resourceError('RESOURCE_CONFIGURATION_INVALID', `resource "${name}" has no slot "${unknown}"`, {
      details: { resource: name, slot: unknown, slots: Object.keys(definition.credentials) },
    });
  }
  return Object.fromEntries(
    Object.entries(definition.credentials).map(([slot, one]) => [slot, { ...one, ...given[slot] }]),
  );
}

const slotPlaces = (slots: Registration['slots']): unknown =>
  Object.entries(slots).map(([slot, { id, scope }]) => [slot, scope ?? null, id]);

const dependencyNames = (dependencies: Dependencies): unknown =>
  Object.entries(dependencies).map(([as, { name, version }]) => [as, name, version]);

/**
 * A text that is the same for the same settings. It decides whether instances may be shared, so it is the whole of the settings, in an
 * order of its own, behind a hash that nobody finds a second text for (SHA-256): they may be long, and keys are shown.
 */
function fingerprint(parts: readonly unknown[]): string {
  return createHash('sha256').update(canonical(parts)).digest('base64url');
}

function canonical(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (value === undefined || value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'undefined';
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  // Dates, maps and bytes show nothing of themselves as entries.
  if (Object.getPrototypeOf(value) !== Object.prototype) return `<${serialize(value).toString('base64')}>`;
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  const sorted = entries.toSorted(([left], [right]) => (left < right ? -1 : 1));
  return `{${sorted.map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`).join(',')}}`;
}
