import { isCodedError, runInContext, toError, type Logger } from '@tenon/core';
import {
  createResources,
  type CredentialReader,
  type HealthOptions,
  type RegistrationOptions,
  type Resources,
  type ResourceToken,
} from '@tenon/resources';
import {
  declarationsInvalid,
  readDeclarations,
  type ResourceDeclaration,
  type ResourceDeclarations,
} from './read-declarations.ts';
import { loadDriver, technologies } from './resource-drivers.ts';
import type { Environment } from '../settings/load-settings.ts';

/** The resources that a file declares. */
export interface DeclaredResources {
  readonly resources: Resources;
  /**
   * Reads the file again. What has changed is changed for new borrowers; what is new is added; what is gone is taken away.
   *
   * @throws `RESOURCES_INVALID`; nothing has changed then
   */
  reload(): Promise<readonly string[]>;
}

/** What {@link openDeclaredResources} takes. */
export interface DeclaredResourceOptions {
  /** The file. Default: none, and no resource is declared. */
  readonly path: string | undefined;
  readonly environment: Environment;
  readonly vault: CredentialReader;
  readonly logger: Logger;
}

/** A server looks after itself: what is down is tried until it is back, and not given up until somebody comes. */
const untiring: HealthOptions = { maxAttempts: Infinity, maxDelayMs: 60_000 };

interface Known {
  readonly token: ResourceToken;
  readonly declaration: ResourceDeclaration;
}

/**
 * Opens what a file declares. Nothing is connected by that.
 *
 * @throws `RESOURCES_INVALID` naming everything that is wrong
 */
export async function openDeclaredResources(options: DeclaredResourceOptions): Promise<DeclaredResources> {
  const { path, environment, vault, logger } = options;
  const resources = createResources({ vault, logger });
  const known = new Map<string, Known>();
  const read = async (): Promise<ReadonlyMap<string, Known>> =>
    path === undefined ? new Map() : toTokens(path, readDeclarations(path, environment), vault);
  const apply = async (next: ReadonlyMap<string, Known>): Promise<readonly string[]> => {
    const changed: string[] = [];
    for (const [name, before] of known) {
      const after = next.get(name);
      if (after !== undefined && isSame(before, after)) continue;
      changed.push(name);
      known.delete(name);
      // Those who have an instance finish with it.
      void resources
        .remove(before.token)
        .catch((error: unknown) => logger.error({ err: toError(error) }, 'a resource could not be closed'));
    }
    for (const [name, after] of next) {
      if (known.has(name)) continue;
      if (!changed.includes(name)) changed.push(name);
      register(resources, after);
      known.set(name, after);
    }
    return changed.toSorted();
  };
  await apply(await read());
  // The file speaks of every tenant, whoever asks for it to be read.
  return { resources, reload: () => runInContext({}, async () => apply(await read())) };
}

const isSame = (one: Known, other: Known): boolean =>
  JSON.stringify(one.declaration) === JSON.stringify(other.declaration);

function register(resources: Resources, { token, declaration }: Known): void {
  const watched = { ...untiring, ...token.definition.health };
  resources.register(token, { health: watched });
  for (const [tenant, own] of Object.entries(declaration.tenants ?? {})) {
    const { settings, credentials, pool, health } = own;
    const options: RegistrationOptions = {
      scope: { tenant },
      ...(settings === undefined ? {} : { config: { ...(token.definition.config as object), ...settings } }),
      ...(credentials === undefined ? {} : { credentials: toPlaces(credentials) }),
      ...(pool === undefined ? {} : { pool }),
      health: { ...watched, ...health },
    };
    resources.register(token, options);
  }
}

function toPlaces(
  credentials: NonNullable<ResourceDeclaration['credentials']>,
): NonNullable<RegistrationOptions['credentials']> {
  const places = Object.entries(credentials).map(
    ([slot, { id, scope }]) => [slot, scope === undefined ? { id } : { id, scope }] as const,
  );
  return Object.fromEntries(places);
}

/** Makes the tokens, and registers them apart from what is in use, so that all mistakes are known before anything changes. */
async function toTokens(
  path: string,
  declarations: ResourceDeclarations,
  vault: CredentialReader,
): Promise<ReadonlyMap<string, Known>> {
  const tokens = new Map<string, Known>();
  const problems: string[] = [];
  await using trial = createResources({ vault });
  for (const [name, declaration] of Object.entries(declarations)) {
    try {
      const driver = await loadDriver(declaration.technology);
      if (driver === undefined) {
        problems.push(`/resources/${name}/technology must be one of ${technologies.join(', ')}`);
        continue;
      }
      const { settings, credentials, pool, health } = declaration;
      const more = {
        ...(credentials === undefined ? {} : { credentials }),
        ...(pool === undefined ? {} : { pool }),
        ...(health === undefined ? {} : { health }),
      };
      const known = { token: driver(name, { ...settings, ...more }), declaration };
      const slots = Object.keys(known.token.definition.credentials);
      const unknown = Object.keys(declaration.credentials ?? {}).filter((slot) => !slots.includes(slot));
      for (const slot of unknown) {
        problems.push(`/resources/${name}/credentials/${slot} is no slot of ${declaration.technology}`);
      }
      register(trial, known);
      tokens.set(name, known);
    } catch (error) {
      if (!isCodedError(error)) throw error;
      problems.push(`/resources/${name}: ${error.message}`);
    }
  }
  if (problems.length > 0) throw declarationsInvalid(path, problems);
  return tokens;
}
