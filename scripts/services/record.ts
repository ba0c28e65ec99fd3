import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../workspace.ts';

/** What `services start` remembers of a server that lives on, for `services stop` and for the next test run. */
export interface ServiceRecord {
  readonly url: string;
  /** Undefined for a server in a container. */
  readonly pid?: number | undefined;
  /** Further processes of it. */
  readonly others?: readonly { readonly pid: number; readonly url: string }[] | undefined;
  /** Undefined for a server in a container. */
  readonly dataDir?: string | undefined;
}

const folder = join(repositoryRoot, '.services');
const fileOf = (name: string): string => join(folder, `${name}.json`);

/** Remembers a server. */
export function writeRecord(name: string, record: ServiceRecord): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(fileOf(name), JSON.stringify(record));
}

/** What is remembered of a server, or undefined. */
export function readRecord(name: string): ServiceRecord | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(name), 'utf8'));
  } catch {
    return undefined;
  }
}

/** Forgets a server. */
export function removeRecord(name: string): void {
  rmSync(fileOf(name), { force: true });
}
