import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compareRatios, readFloors, renderRatios, type BenchFloors, type MeasuredRatios } from './bench-floors.ts';
import { repositoryRoot } from './workspace.ts';

const usage = `usage: npm run -s bench:check -- [BENCH...] [--from FILE...] [--floors FILE] [--quick]

Runs the benches that bench/floors.json has limits for, or those that are named, and exits with 1 when a ratio is beyond
its limit: twice, as one bad run may be due to the machine. With 2 when there is nothing to compare.

  --from FILE     compares what benches have printed with --json, one result a line, and runs none
  --floors FILE   other limits
  --quick         benches do a little of everything: to see that this works, their figures mean nothing
`;

/** Runs a bench, whose progress goes to this terminal. @throws Error when it fails */
function runBench(name: string, options: readonly string[]): MeasuredRatios {
  const program = join(repositoryRoot, 'bench', 'main.ts');
  const args = ['--conditions=@tenon/source', program, name, '--json', ...options];
  const { status, stdout } = spawnSync(process.execPath, args, {
    cwd: repositoryRoot,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`the bench "${name}" failed`);
  return parseResults(stdout, `the bench "${name}"`)[0] ?? { name, ratios: {} };
}

function parseResults(text: string, where: string): readonly MeasuredRatios[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const results = lines.map((line): unknown => {
    try {
      return JSON.parse(line);
    } catch (cause) {
      throw new Error(`${where}: a line is no result of a bench`, { cause });
    }
  });
  if (results.length > 0 && results.every(isResult)) return results;
  throw new Error(`${where}: there is no result of a bench, as it is printed with --json`);
}

function isResult(one: unknown): one is MeasuredRatios {
  if (typeof one !== 'object' || one === null || !('name' in one && 'ratios' in one)) return false;
  return typeof one.name === 'string' && typeof one.ratios === 'object' && one.ratios !== null;
}

/** What {@link measure} takes. */
interface Measuring {
  /** Benches to run. Without them and without files: all that have limits. */
  readonly names: readonly string[];
  /** Files with what benches have printed. */
  readonly files: readonly string[];
  /** For each bench. */
  readonly options: readonly string[];
}

/** @throws Error when a bench has no limits, or fails */
function measure(floors: BenchFloors, { names, files, options }: Measuring): readonly MeasuredRatios[] {
  const printed = files.flatMap((file) => parseResults(readFileSync(file, 'utf8'), file));
  const wanted = files.length > 0 || names.length > 0 ? names : Object.keys(floors);
  const unknown = [...printed.map(({ name }) => name), ...wanted].find((name) => floors[name] === undefined);
  if (unknown !== undefined) throw new Error(`there are no limits for a bench "${unknown}"`);
  return [
    ...printed,
    ...wanted.flatMap((name) => {
      const first = runBench(name, options);
      if (compareRatios(floors, [first]).every(({ verdict }) => verdict !== 'regression')) return [first];
      console.error(`${name} again`);
      return [first, runBench(name, options)];
    }),
  ];
}

function main(args: readonly string[]): number {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      from: { type: 'string', multiple: true, default: [] },
      floors: { type: 'string', default: join(repositoryRoot, 'bench', 'floors.json') },
      quick: { type: 'boolean', default: false },
    },
  });
  const floors = readFloors(values.floors);
  const options = values.quick ? ['--quick'] : [];
  const rows = compareRatios(floors, measure(floors, { names: positionals, files: values.from, options }));
  console.log(renderRatios(rows));
  const named = (verdict: string): string =>
    rows.flatMap((row) => (row.verdict === verdict ? [`"${row.ratio}" of ${row.bench}`] : [])).join(', ');
  if (named('missing') !== '') throw new Error(`not measured: ${named('missing')}`);
  if (named('regression') === '') return 0;
  console.error(`\nbeyond its limit: ${named('regression')}`);
  return 1;
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  process.exitCode = 2;
}
