import {
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
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

/**
 * Puts keys in the place of those in the keys file: the same ones, with a new key in front. The file is the old one or the new one at every
 * moment (mode 600, on the disk before it is returned), and of two who do this at the same time one is refused: the other's key would be lost, and
 * with it what it has sealed by then.
 *
 * @param present - what {@link loadKeys} gave, from the file
 * @param next - made of it with `KeyRing.rotate`
 * @throws `KEYS_INVALID` when the keys come from `TENON_KEYS`, the file is no longer what was loaded, or it cannot be written; then nothing has changed
 */
export function addKeyToFile(present: LoadedKeys, next: KeyRing): void {
  assertKeysInFile(present);
  const file = realpathSync(present.file);
  const unfinished = `${file}.new`;
  createExclusively(unfinished, `${next.format().reveal()}\n`, present.file);
  try {
    // Who holds that name is the only one to write, so what is read now stays until it is replaced.
    const old = present.keys.format().reveal();
    if (parse(read(file), present.file).format().reveal() !== old || !next.format().reveal().endsWith(`,${old}`)) {
      throw serverError('KEYS_INVALID', `the keys in "${present.file}" were changed meanwhile; run it again`);
    }
    keepOwner(file, unfinished);
    renameSync(unfinished, file);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw isCodedError(error) ? error : unwritable(present.file, error);
  }
  flushFolder(dirname(file));
}

/** @throws `KEYS_INVALID` with what to do instead, when the keys come from `TENON_KEYS` */
export function assertKeysInFile({ source }: LoadedKeys): void {
  if (source === 'file') return;
  throw serverError(
    'KEYS_INVALID',
    'the keys come from TENON_KEYS, which only you can change. Set it to what "tenon keys generate --rotate" prints, restart every server, and run "tenon keys reseal"',
  );
}

function createExclusively(unfinished: string, text: string, file: string): void {
  try {
    writeFileSync(unfinished, text, { mode: 0o600, flag: 'wx', flush: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      rmSync(unfinished, { force: true });
      throw unwritable(file, error);
    }
    throw serverError(
      'KEYS_INVALID',
      `the keys in "${file}" are being changed by another process. If none is at it, one was killed before it had used its key: remove "${unfinished}"`,
    );
  }
}

// An administrator may do this for the user under whom the server runs, and who must go on reading the file.
function keepOwner(file: string, unfinished: string): void {
  const { uid, gid } = statSync(file);
  const own = statSync(unfinished);
  if (own.uid !== uid || own.gid !== gid) chownSync(unfinished, uid, gid);
}

function unwritable(file: string, cause: unknown): Error {
  const { code } = cause as NodeJS.ErrnoException;
  return serverError('KEYS_INVALID', `the keys could not be written to "${file}" (${code}); they are as they were`, {
    cause,
  });
}

// Without it the new name may be lost with the power, after something was sealed with the new key. Windows opens no folders.
function flushFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
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
