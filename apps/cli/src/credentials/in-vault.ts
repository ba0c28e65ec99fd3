import type { CredentialVault } from '@tenon/credentials';
import type { Cli } from '../cli.ts';
import type { OutputOptions } from '../output.ts';
import { withTenant } from '../with-services.ts';

/** What every command about credentials takes. */
export interface VaultCommandOptions extends OutputOptions {
  readonly tenant?: string;
}

/** What a command takes that works in one scope. */
export interface ScopeOptions extends VaultCommandOptions {
  readonly scope: string;
}

/** Opens the vault and works with it in the tenant that was chosen, as the command line. */
export function inVault<T>(
  cli: Cli,
  options: VaultCommandOptions,
  work: (vault: CredentialVault) => Promise<T>,
): Promise<T> {
  return withTenant(cli, options.tenant, ({ credentials }) => work(credentials));
}
