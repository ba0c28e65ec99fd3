import type { Resources, ResourceToken } from '@tenon/resources';
import type { Cli } from '../cli.ts';
import { cliError } from '../errors.ts';
import type { OutputOptions } from '../output.ts';
import { withTenant } from '../with-services.ts';

/** What every command about resources takes. */
export interface ResourceCommandOptions extends OutputOptions {
  readonly tenant?: string;
}

/** Opens the declared resources and works with them in the tenant that was chosen, as the command line. */
export function withResources<T>(
  cli: Cli,
  options: ResourceCommandOptions,
  work: (resources: Resources) => Promise<T>,
): Promise<T> {
  return withTenant(cli, options.tenant, ({ resources }) => work(resources.resources));
}

/**
 * The tokens that a name stands for: one, or without a name all.
 *
 * @throws `RESOURCE_UNKNOWN` naming those there are
 */
export function chosenTokens(resources: Resources, name: string | undefined): readonly ResourceToken[] {
  if (name === undefined) return resources.tokens();
  const token = resources.named(name);
  if (token !== undefined) return [token];
  const known = resources.tokens().map((each) => each.name);
  const hint = known.length === 0 ? 'none is declared: set TENON_RESOURCES_FILE' : `declared are ${known.join(', ')}`;
  throw cliError('RESOURCE_UNKNOWN', `there is no resource "${name}"; ${hint}`);
}
