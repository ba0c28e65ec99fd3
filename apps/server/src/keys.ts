import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isCodedError, toError } from '@tenon/core';
import { KeyRing } from '@tenon/crypto';
import { serverError } from './errors.ts';
import type { Settings } from './settings/settings.ts';

/** The server's keys and where they came from. */
export interface LoadedKeys {
  readonly keys: KeyRing;
  readonly source: 'settings' | 'file';
  /** The file; also where keys would be, when they come from the settings. */
  readonly file: string;
  /** Whether this very call made them. */
  readonly created: boolean;
}

/**
 * The keys from `TENON_KEYS`, else from the file `keys` in the data folder, which is made (mode 600) when it is not there. A
 * file that cannot be read is never replaced: what it sealed could not be opened again.
 *
 * @throws `KEYS_INVALID` saying where the keys are and what is wrong with them; never the keys
 */
export function loadKeys(settings: Settings, options: { readonly create: boolean }): LoadedKeys {
  const file = join(settings.dataDir, 'keys');
  if (settings.keys !== undefined) {
    return { keys: parse(settings.keys.reveal(), 'TENON_KEYS'), source: 'settings', file, created: false };
  }
  if (existsSync(file)) return { keys: parse(read(file), file), source: 'file', file, created: false };
  if (!options.create) {
    throw serverError('KEYS_INVALID', `there are no keys: set TENON_KEYS, or start the server once to make "${file}"`);
  }
  const keys = KeyRing.generate();
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeNew(file, `${keys.format().reveal()}\n`);
    return { keys, source: 'file', file, created: true };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && existsSync(file)) return loadKeys(settings, options);
    throw serverError(
      'KEYS_INVALID',
      `the keys could not be written to "${file}" (${code}). Make the folder writable, or set TENON_DATA_DIR to another one`,
      { cause: error },
    );
  }
}

// The file appears whole or not at all: another process may start at the same moment, and this one may be killed at any. A
// link fails where the name exists.
function writeNew(file: string, text: string): void {
  const unfinished = `${file}.${process.pid}`;
  try {
    writeFileSync(unfinished, text, { mode: 0o600, flush: true });
    linkSync(unfinished, file);
  } finally {
    rmSync(unfinished, { force: true });
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw serverError('KEYS_INVALID', `the keys in "${file}" could not be read: ${toError(error).message}`, {
      cause: error,
    });
  }
}

function parse(text: string, source: string): KeyRing {
  try {
    return KeyRing.parse(text);
  } catch (error) {
    const problem = isCodedError(error) ? error.message : 'they are malformed';
    throw serverError(
      'KEYS_INVALID',
      `the keys in ${source} cannot be used: ${problem}. Put back the right ones, or make new ones with "tenon keys generate" (what the old ones sealed is then lost)`,
      { cause: error },
    );
  }
}
