import type { Environment } from '@tenon/server';
import { createOutput, type Output, type OutputOptions, type TextSink } from './output.ts';

/** What a command gets from the process that it runs in. */
export interface Cli {
  readonly environment: Environment;
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  /** Aborts at Ctrl-C or when the process is asked to end. */
  readonly signal: AbortSignal;
}

/** The output of one command. */
export function outputOf(cli: Cli, options: OutputOptions = {}): Output {
  return createOutput(options, cli.stdout, cli.stderr);
}
