import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A program of this folder in a process of its own. */
export interface TestProcess {
  readonly pid: number;
  /** The next line that it prints, or `undefined` when it ended. */
  nextLine(): Promise<string | undefined>;
  /** Sends it a line. */
  say(line: string): void;
  /** Ends its standard input, and waits for its end. */
  finish(): Promise<number | null>;
  /** Ends it as a crash would. Lines that it had printed can still be read. */
  kill9(): Promise<void>;
}

/** Starts `processes/<program>`. */
export function startProcess(program: string, ...parameters: readonly string[]): TestProcess {
  const file = fileURLToPath(new URL(program, import.meta.url));
  const child: ChildProcess = spawn(process.execPath, ['--conditions=@tenon/source', file, ...parameters], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  child.stdin?.on('error', () => undefined);
  return {
    pid: child.pid ?? 0,
    async nextLine(): Promise<string | undefined> {
      const { done, value } = await lines.next();
      return done === true ? undefined : value;
    },
    say: (line) => void child.stdin?.write(`${line}\n`),
    async finish(): Promise<number | null> {
      child.stdin?.end();
      const [code] = (await exited) as [number | null];
      return code;
    },
    async kill9(): Promise<void> {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
