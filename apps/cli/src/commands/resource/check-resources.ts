import { isCodedError, toError } from '@tenon/core';
import type { HealthRecord, HealthStatus, HealthTrend, Resources, ResourceToken } from '@tenon/resources';
import { Command, InvalidArgumentError } from 'commander';
import { outputOf, type Cli } from '../../cli.ts';
import { cliError } from '../../errors.ts';
import { formatTable } from '../../format-table.ts';
import { toWholeNumber } from '../../option-values.ts';
import { drawLooks, drawTrend } from '../../resources/health-lines.ts';
import { chosenTokens, withResources, type ResourceCommandOptions } from '../../resources/with-resources.ts';

/** What looks at one resource came to. */
interface Seen {
  readonly name: string;
  readonly technology: string;
  readonly status: HealthStatus['status'];
  /** Of the last look. */
  readonly latencyMs: number | null;
  readonly problem: string | null;
  readonly trend: HealthTrend | null;
  /** The newest first. */
  readonly looks: readonly HealthRecord[];
}

interface HealthOptions extends ResourceCommandOptions {
  readonly looks: number;
}

const MAX_LOOKS = 100;

/** `tenon resource health`. */
export function checkResources(cli: Cli): Command {
  return new Command('health')
    .description('Connect to resources and look how they are. The exit code is 1 when one does not work.')
    .argument('[name]', 'one resource (default: all that are declared)')
    .option('--looks <count>', 'how often to look; from 8 on they tell where it goes, 1 to 100', toLooks, 1)
    .option('--tenant <id>', 'whose they are (default: the only tenant there is)')
    .option('--json', 'print the result as JSON')
    .action(async (name: string | undefined, options: HealthOptions) => {
      const seen = await withResources(cli, options, (resources) =>
        Promise.all(chosenTokens(resources, name).map((token) => look(resources, token, options.looks))),
      );
      const bad = seen.filter(({ status }) => status === 'unhealthy');
      outputOf(cli, options).result({ ok: bad.length === 0, resources: seen.map(toShown) }, toLines(seen));
      if (bad.length > 0) throw cliError('RESOURCE_UNHEALTHY', `${bad.length} of ${seen.length} resources do not work`);
    });
}

function toLooks(text: string): number {
  const count = toWholeNumber(text);
  if (count >= 1 && count <= MAX_LOOKS) return count;
  throw new InvalidArgumentError(`It must be from 1 to ${MAX_LOOKS}.`);
}

async function look(resources: Resources, token: ResourceToken, times: number): Promise<Seen> {
  const { name, technology } = token;
  try {
    await resources.start({ tokens: [token] });
    for (let count = 0; count < times; count += 1) await resources.check(token);
    const [view] = resources.list({ token });
    const looks = resources.healthHistory(token);
    // What has no check could at least be made.
    const health = looks.length === 0 || view === undefined ? { status: 'healthy' as const } : view.health;
    const latencyMs = looks[0] === undefined ? null : rounded(looks[0].latencyMs);
    const problem = 'reason' in health ? health.reason : null;
    return { name, technology, status: health.status, latencyMs, problem, trend: view?.trend ?? null, looks };
  } catch (thrown) {
    const problem = causeOf(thrown);
    return { name, technology, status: 'unhealthy', latencyMs: null, problem, trend: null, looks: [] };
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

function toLines(seen: readonly Seen[]): readonly string[] {
  if (seen.length === 0) return ['no resources are declared: see TENON_RESOURCES_FILE'];
  const rows = seen.map(({ name, technology, status, latencyMs, trend, looks, problem }) => [
    name,
    technology,
    status,
    latencyMs === null ? '-' : `${latencyMs} ms`,
    drawLooks(looks),
    drawTrend(trend?.direction ?? 'unknown'),
    problem ?? '',
  ]);
  return formatTable(['NAME', 'TECHNOLOGY', 'STATUS', 'LATENCY', 'LOOKS', 'TREND', ''], rows);
}

/** What goes out as JSON. */
function toShown({ looks, ...seen }: Seen): object {
  return {
    ...seen,
    looks: looks.map(({ health, latencyMs, checkedAtMs }) => ({
      status: health.status,
      reason: 'reason' in health ? health.reason : null,
      latencyMs: rounded(latencyMs),
      checkedAt: new Date(checkedAtMs).toISOString(),
    })),
  };
}

const rounded = (milliseconds: number): number => Math.round(milliseconds * 10) / 10;
