import { toError } from '@tenon/core';
import { Command } from 'commander';
import { outputOf, type Cli } from '../../cli.ts';
import { cliError } from '../../errors.ts';
import type { OutputOptions } from '../../output.ts';
import { readSettings } from '../../with-services.ts';

const TIMEOUT_MS = 5_000;

interface MetricsOptions extends OutputOptions {
  readonly url?: string;
}

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** `tenon resource metrics`. */
export function showMetrics(cli: Cli): Command {
  return new Command('metrics')
    .description('Show what a running server has measured of its resources, in the Prometheus text format.')
    .option('--url <address>', 'of the server (default: the one that the settings describe)')
    .option('--json', 'print the result as JSON')
    .action(async (options: MetricsOptions) => {
      const settings = await readSettings(cli);
      const address = options.url ?? settings.publicUrl ?? `http://localhost:${settings.port}`;
      const token = settings.metricsToken?.reveal();
      const text = await fetchMetrics(address, token, cli.signal);
      const lines = text.split('\n').filter((line) => /^(# (HELP|TYPE) )?resource_/.test(line));
      outputOf(cli, options).result(
        { metrics: lines.flatMap(toSample) },
        lines.length === 0 ? ['nothing has been measured yet: no resource was used'] : lines,
      );
    });
}

async function fetchMetrics(address: string, token: string | undefined, signal: AbortSignal): Promise<string> {
  let response: Response;
  try {
    response = await fetch(new URL('/metrics', address), {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
  } catch (error) {
    throw cliError('SERVER_UNREACHABLE', `no server answers at ${address}: start one, or name it with --url`, {
      cause: toError(error),
    });
  }
  if (response.ok) return response.text();
  throw cliError(
    'SERVER_UNREACHABLE',
    `${address} answers ${response.status} to /metrics: is TENON_METRICS_TOKEN the same?`,
  );
}

function toSample(line: string): readonly Sample[] {
  const [, name, labels = '', value] = /^(resource_\w+)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
  if (name === undefined || value === undefined) return [];
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(
    ([, label = '', text = '']) => [label, text.replaceAll(/\\(.)/g, '$1')] as const,
  );
  return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }];
}
