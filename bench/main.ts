// Runs one bench and prints its result.
//
//   npm run -s bench -- NAME [--json] [--quick]
//
// With --json, stdout holds exactly one JSON object (a BenchResult); without it, a table. Without a name, lists the benches. With
// --quick it does a little of everything, to see that the bench works: its figures then mean nothing.
import { readdirSync } from 'node:fs';
import type { Bench, BenchResult } from './result.ts';

const NOT_BENCHES = new Set(['main', 'result']);

function benchNames(): string[] {
  return readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .filter((name) => !NOT_BENCHES.has(name))
    .toSorted();
}

function formatTable(result: BenchResult): string {
  const rows: (readonly [string, string])[] = [];
  const add = (name: string, figure: number | Readonly<Record<string, number>>, unit: string): void => {
    if (typeof figure === 'number') rows.push([name, `${formatNumber(figure)} ${unit}`.trim()]);
    else for (const [part, value] of Object.entries(figure)) add(`${name} ${part}`, value, unit);
  };
  add('ours', result.ours, result.unit);
  for (const [peer, figure] of Object.entries(result.peers)) add(peer, figure, result.unit);
  add('ratio', result.ratios, '');
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    `${result.name}: median of ${result.runs} runs on ${result.machine}`,
    ...rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`),
  ].join('\n');
}

function formatNumber(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 100 ? 2 : 0 });
}

async function main(args: readonly string[]): Promise<number> {
  const options = new Set(['--json', '--quick']);
  const [name, ...extra] = args.filter((argument) => !options.has(argument));
  const names = benchNames();
  if (name === undefined || extra.length > 0 || !names.includes(name)) {
    const asked = name === undefined;
    (asked ? process.stdout : process.stderr).write(
      `usage: npm run -s bench -- NAME [--json] [--quick]\nbenches: ${names.join(', ')}\n`,
    );
    return asked ? 0 : 2;
  }
  const { run } = (await import(`./${name}.ts`)) as { readonly run: Bench };
  const result = await run();
  process.stdout.write(`${args.includes('--json') ? JSON.stringify(result) : formatTable(result)}\n`);
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
