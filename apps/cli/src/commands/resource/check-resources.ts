import { isCodedError, toError } from '@tenon/core';
import type { Resources, ResourceToken } from '@tenon/resources';
import { Command } from 'commander';
import { outputOf, type Cli } from '../../cli.ts';
import { cliError } from '../../errors.ts';
import { formatTable } from '../../format-table.ts';
import { chosenTokens, withResources, type ResourceCommandOptions } from '../../resources/with-resources.ts';

/** What a look at one resource came to. */
interface Seen {
  readonly name: string;
  readonly technology: string;
  readonly status: string;
  readonly latencyMs: number | null;
  readonly problem: string | null;
}

/** `tenon resource health`. */
export function checkResources(cli: Cli): Command {
  return new Command('health')
    .description('Connect to resources and look how they are. The exit code is 1 when one does not work.')
    .argument('[name]', 'one resource (default: all that are declared)')
    .option('--tenant <id>', 'whose they are (default: the only tenant there is)')
    .option('--json', 'print the result as JSON')
    .action(async (name: string | undefined, options: ResourceCommandOptions) => {
      const seen = await withResources(cli, options, (resources) =>
        Promise.all(chosenTokens(resources, name).map((token) => look(resources, token))),
      );
      const bad = seen.filter(({ status }) => status === 'unhealthy');
      const rows = seen.map((one) => [
        one.name,
        one.technology,
        one.status,
        one.latencyMs === null ? '-' : `${one.latencyMs} ms`,
        one.problem ?? '',
      ]);
      const lines =
        seen.length === 0
          ? ['no resources are declared: see TENON_RESOURCES_FILE']
          : formatTable(['NAME', 'TECHNOLOGY', 'STATUS', 'LATENCY', ''], rows);
      outputOf(cli, options).result({ ok: bad.length === 0, resources: seen }, lines);
      if (bad.length > 0) throw cliError('RESOURCE_UNHEALTHY', `${bad.length} of ${seen.length} resources do not work`);
    });
}

async function look(resources: Resources, token: ResourceToken): Promise<Seen> {
  const { name, technology } = token;
  try {
    await resources.start({ tokens: [token] });
    const [record] = await resources.check(token);
    const health = record?.health ?? { status: 'healthy' as const };
    const latencyMs = record === undefined ? null : Math.round(record.latencyMs * 10) / 10;
    return { name, technology, status: health.status, latencyMs, problem: 'reason' in health ? health.reason : null };
  } catch (thrown) {
    return { name, technology, status: 'unhealthy', latencyMs: null, problem: causeOf(thrown) };
  }
}

/** The failure beneath those that only say where it happened. */
function causeOf(thrown: unknown): string {
  let error = toError(thrown);
  while (
    isCodedError(error, 'RESOURCE_INITIALIZATION_FAILED', 'RESOURCE_DEPENDENCY_FAILED') &&
    isCodedError(error.cause)
  ) {
    error = error.cause;
  }
  return isCodedError(error) ? `${error.code}: ${error.message}` : error.message;
}
