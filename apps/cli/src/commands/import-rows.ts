import { relative } from 'node:path';
import { Argument, Command, Option } from 'commander';
import type { ImportFileReport, ImportFormat, ImportKind } from '@tenon/server';
import { outputOf, type Cli } from '../cli.ts';
import { chooseTenant } from '../choose-tenant.ts';
import { cliError } from '../errors.ts';
import { toWholeNumber } from '../option-values.ts';
import type { Output, OutputOptions } from '../output.ts';
import { formatBar, formatCount, formatSeconds } from '../progress-bar.ts';
import { inTenant, withServices } from '../with-services.ts';

// The same as the server's. They stand here because loading it for each --help takes a second.
const importKinds = ['products', 'users', 'orders'] as const satisfies readonly ImportKind[];
const importFormats = ['csv', 'ndjson'] as const satisfies readonly ImportFormat[];

const HELP = `
The first line of a CSV file names the columns, as price_minor or priceMinor. Orders have one row a line, and the rows of one
order stand together. Running an import twice changes nothing the second time; one that was stopped goes on where it was.`;

interface ImportOptions extends OutputOptions {
  readonly tenant?: string;
  readonly format?: ImportFormat;
  readonly rejects?: string;
  readonly batchSize?: number;
  readonly strict?: boolean;
}

/** `tenon import products|users|orders <file>`. */
export function importRows(cli: Cli): Command {
  return new Command('import')
    .description('Import products, users or orders from a CSV or NDJSON file.')
    .addArgument(new Argument('<kind>', 'what the rows are').choices([...importKinds]))
    .argument('<file>', 'the file, in UTF-8')
    .option('--tenant <id>', 'whose they are (default: the only tenant there is)')
    .addOption(
      new Option('--format <format>', 'how the file is written (default: by its extension)').choices([
        ...importFormats,
      ]),
    )
    .option('--rejects <file>', 'where rejected rows go (default: <file>.rejects.csv in this folder)')
    .option('--batch-size <rows>', 'how many are written in one transaction (default: 250)', toWholeNumber)
    .option('--strict', 'exit with 1 when a row was rejected')
    .option('--json', 'print the result as JSON, and no progress')
    .addHelpText('after', HELP)
    .action(async (kind: ImportKind, file: string, options: ImportOptions) => {
      const { importFile } = await import('@tenon/server');
      const output = outputOf(cli, options);
      const report = await withServices(cli, async ({ services }) => {
        const tenant = await chooseTenant(services, options.tenant);
        return inTenant(tenant, () =>
          importFile({
            services,
            kind,
            file,
            signal: cli.signal,
            ...(options.format === undefined ? {} : { format: options.format }),
            ...(options.rejects === undefined ? {} : { rejectsFile: options.rejects }),
            ...(options.batchSize === undefined ? {} : { batchSize: options.batchSize }),
            onProgress: drawProgress(output, kind),
          }),
        ).finally(() => output.endDrawing());
      });
      output.result({ kind, ...report, rejectsFile: report.rejectsFile ?? null }, summary(kind, report));
      if (options.strict === true && report.rejected > 0) {
        throw cliError(
          'IMPORT_HAS_REJECTS',
          `${formatCount(report.rejected)} ${kind} were rejected, and --strict was given`,
        );
      }
    });
}

function drawProgress(output: Output, kind: ImportKind) {
  const startedMs = performance.now();
  return ({
    bytes,
    totalBytes,
    rows,
    rejected,
  }: {
    bytes: number;
    totalBytes: number;
    rows: number;
    rejected: number;
  }): void => {
    const isDone = bytes === totalBytes;
    output.draw(
      formatBar({
        title: kind,
        fraction: totalBytes === 0 ? 1 : bytes / totalBytes,
        rows,
        rejected,
        elapsedMs: performance.now() - startedMs,
        ...(isDone ? { totalRows: rows } : {}),
      }),
    );
  };
}

function summary(kind: ImportKind, report: ImportFileReport): readonly string[] {
  const counts = (['created', 'updated', 'unchanged', 'rejected'] as const).map(
    (name) => `${formatCount(report[name])} ${name}`,
  );
  const lines = [
    `${kind}: ${formatCount(report.rows)} rows read, ${counts.join(', ')} in ${formatSeconds(report.durationMs)}`,
  ];
  if (report.resumedFrom > 0)
    lines.push(`went on behind row ${formatCount(report.resumedFrom)}, where an earlier run was stopped`);
  if (report.rejectsFile !== undefined) {
    lines.push(`rejected rows, with the reasons: ${relative(process.cwd(), report.rejectsFile)}`);
  }
  return lines;
}
