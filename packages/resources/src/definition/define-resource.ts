import { Type, type TObject } from 'typebox';
import { resourceError } from '../errors.ts';
import type { CredentialSlots } from '../credentials/credential-slots.ts';
import type { HealthStatus } from '../health/health-status.ts';
import type { CreateContext, Dependencies, ErasedDefinition, ResourceDefinition } from './resource-definition.ts';
import { scopeLevels } from '../scope/resource-scope.ts';
import type { ResourceToken } from './resource-token.ts';
import type { Static } from 'typebox';

const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;

/**
 * Defines a resource.
 *
 * @example
 * ```ts
 * const mail = defineResource({
 *   name: 'mail',
 *   schema: Type.Object({ host: Type.String() }),
 *   config: { host: 'mail.acme.example' },
 *   credentials: { login: { kind: basic, id: 'mail-login' } },
 *   create: ({ config, credentials }) => connect(config.host, credentials.login.value.username, credentials.login.secret),
 *   destroy: (connection) => connection.close(),
 * });
 * await using connection = await resources.acquire(mail);
 * await connection.value.send(message);
 * ```
 * @throws `RESOURCE_CONFIGURATION_INVALID` when the name or the version is malformed
 */
export function defineResource<
  Instance,
  Schema extends TObject = TObject,
  Face extends object = { readonly value: Instance },
  Slots extends CredentialSlots = Readonly<Record<string, never>>,
  Needed extends Dependencies = Readonly<Record<string, never>>,
>(definition: ResourceDefinition<Schema, Instance, Face, Slots, Needed>): ResourceToken<Face, Static<Schema>> {
  const { name, version = '1.0.0', technology = 'custom' } = definition;
  check('name', name, NAME.test(name), '1 to 64 of a-z, 0-9 and "-"');
  check('technology', technology, NAME.test(technology), '1 to 64 of a-z, 0-9 and "-"');
  const { isolation = 'tenant', use = 'pooled' } = definition;
  // Settings that were read from a file have no types, and a level that is none would keep nobody apart.
  check('isolation', isolation, [...scopeLevels, 'none'].includes(isolation), `${scopeLevels.join(', ')} or none`);
  check('use', use, ['pooled', 'shared'].includes(use), 'pooled or shared');
  check('version', version, /^\d+\.\d+\.\d+$/.test(version), 'three numbers such as 1.0.0');
  return Object.freeze({ name, version, technology, definition: erase(definition, { version, technology }) });
}

/** The same definition for callers that do not know its types. What they give back is what they were given: the casts rest on that. */
function erase<
  Schema extends TObject,
  Instance,
  Face extends object,
  Slots extends CredentialSlots,
  Needed extends Dependencies,
>(
  definition: ResourceDefinition<Schema, Instance, Face, Slots, Needed>,
  names: { readonly version: string; readonly technology: string },
): ErasedDefinition {
  const { reset, expose, onCredentialRotated } = definition;
  return Object.freeze<ErasedDefinition>({
    name: definition.name,
    ...names,
    schema: definition.schema ?? Type.Object({}, { additionalProperties: false }),
    config: definition.config ?? {},
    hidden: definition.hidden ?? [],
    credentials: definition.credentials ?? {},
    dependencies: definition.dependencies ?? {},
    use: definition.use ?? 'pooled',
    isolation: definition.isolation ?? 'tenant',
    pool: definition.pool ?? {},
    health: definition.health ?? {},
    hasCheck: definition.check !== undefined,
    create: async (context) => definition.create(context as CreateContext<Static<Schema>, Slots, Needed>),
    destroy: async (instance, context) => (definition.destroy ?? dispose)(instance as Instance, context),
    check: async (instance, context) => toHealth(await definition.check?.(instance as Instance, context)),
    isBroken: (instance) => definition.isBroken?.(instance as Instance) ?? false,
    // Without a promise of its own: most have nothing to do, and a pool then waits for nothing.
    reset: reset === undefined ? undefined : (instance, context) => reset(instance as Instance, context),
    expose: expose === undefined ? undefined : (instance, context) => expose(instance as Instance, context),
    onCredentialRotated: async (instance, context) => onCredentialRotated?.(instance as Instance, context) ?? 'replace',
  });
}

function toHealth(answer: HealthStatus | boolean | void): HealthStatus {
  if (answer === false)
    return { status: 'unhealthy', reason: 'its check says that it does not work', recoverable: true };
  return typeof answer === 'object' ? answer : { status: 'healthy' };
}

async function dispose(instance: unknown): Promise<void> {
  if (typeof instance !== 'object' || instance === null) return;
  if (Symbol.asyncDispose in instance) await (instance as AsyncDisposable)[Symbol.asyncDispose]();
  else if (Symbol.dispose in instance) (instance as Disposable)[Symbol.dispose]();
}

function check(what: string, value: unknown, isValid: boolean, rule: string): void {
  if (isValid) return;
  throw resourceError('RESOURCE_CONFIGURATION_INVALID', `the ${what} of a resource must be ${rule}`, {
    details: { option: what, given: String(value).slice(0, 64) },
  });
}
