import { runAs, type Logger } from '@tenon/core';
import type { KeyRing } from '@tenon/crypto';
import type { Composition, Settings } from '@tenon/server';
import { chooseTenant } from './choose-tenant.ts';
import type { Cli } from './cli.ts';

/** What work with services receives. */
export interface OpenServices extends Pick<Composition, 'services' | 'keys'> {
  readonly settings: Settings;
}

/** Reads the settings, and tells of variables that look like settings and are none. */
export async function readSettings(cli: Cli): Promise<Settings> {
  const { loadSettings } = await import('@tenon/server/composition');
  const { settings, warnings } = loadSettings(cli.environment);
  for (const { name, problem } of warnings) cli.stderr.write(`! ${name}: ${problem}\n`);
  return settings;
}

/**
 * Opens the database, brings its schema up to date, does the work, and closes everything again.
 *
 * @param options.keys - to work with. Default: those of the settings
 */
export async function withServices<T>(
  cli: Cli,
  work: (open: OpenServices) => Promise<T>,
  options: { readonly keys?: KeyRing } = {},
): Promise<T> {
  const { compose } = await import('@tenon/server/composition');
  const loaded = await readSettings(cli);
  const settings = options.keys === undefined ? loaded : { ...loaded, keys: options.keys.format() };
  const composition = await compose(settings, { logger: await commandLogger(cli, settings) });
  try {
    await composition.ready();
    return await work({ services: composition.services, keys: composition.keys, settings });
  } finally {
    await composition.stop();
  }
}

/**
 * Opens the services and works with them in the tenant that was chosen, which has to exist.
 *
 * @param tenant - its id. Default: the only one there is
 */
export function withTenant<T>(
  cli: Cli,
  tenant: string | undefined,
  work: (services: OpenServices['services']) => Promise<T>,
): Promise<T> {
  return withServices(cli, async ({ services }) =>
    inTenant(await chooseTenant(services, tenant), async () => {
      await services.tenancy.tenants.current();
      return work(services);
    }),
  );
}

/** Runs work in a tenant as the command line, which may do everything. */
export function inTenant<T>(tenant: string, work: () => Promise<T>): Promise<T> {
  return runAs({ tenant, actor: { type: 'system', id: 'cli' } }, work);
}

/**
 * Log lines of a command: on standard error, as plain text, and only those that its user must know (that the database does
 * not answer yet, for example); all of them, as a server writes them, where TENON_LOG_LEVEL is `debug`.
 */
export async function commandLogger(cli: Cli, settings: Settings): Promise<Logger> {
  const { createLogger } = await import('@tenon/server/composition');
  if (settings.logLevel === 'debug') {
    return createLogger({ level: 'debug', destination: { write: (line) => void cli.stderr.write(line) } });
  }
  const level = settings.logLevel === 'silent' || settings.logLevel === 'error' ? settings.logLevel : 'warn';
  const write = (line: string): void => {
    const { msg, code, credentialId, resourceId } = JSON.parse(line) as {
      readonly msg?: string;
      readonly code?: string;
      readonly credentialId?: string;
      readonly resourceId?: string;
    };
    if (credentialId !== undefined || resourceId !== undefined) return; // the command's own result says what is the matter with it
    cli.stderr.write(`! ${msg ?? ''}${code === undefined ? '' : ` (${code})`}\n`);
  };
  return createLogger({ level, destination: { write } });
}
