import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A program of this folder in a process of its own. */
export interface TestProcess {
  /** The next line that it prints, or `undefined` when it ended. */
  nextLine(): Promise<string | undefined>;
  /** Ends its standard input, and waits for its end. */
  finish(): Promise<number | null>;
  /** Ends it as a crash would. @returns what it had printed besides */
  kill9(): Promise<readonly string[]>;
}

/** Starts `processes/<program>`. */
export function startProcess(program: string, ...parameters: readonly string[]): TestProcess {
  const file = fileURLToPath(new URL(program, import.meta.url));
  const child = spawn(process.execPath, ['--conditions=@tenon/source', file, ...parameters], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string | undefined> => {
    const { done, value } = await lines.next();
    return done === true ? undefined : value;
  };
  return {
    nextLine,
    async finish() {
      child.stdin.end();
      const [code] = (await exited) as [number | null];
      return code;
    },
    async kill9() {
      child.kill('SIGKILL');
      await exited;
      const rest: string[] = [];
      for (let line = await nextLine(); line !== undefined; line = await nextLine()) rest.push(line);
      return rest;
    },
  };
}
