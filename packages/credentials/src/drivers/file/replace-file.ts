import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { assertWanted } from '../../storage/assert-wanted.ts';
import { systemCode } from './file-failure.ts';

const TEMPORARY = /^\.writing-[0-9a-f-]{36}$/;

/** Whether a file is one that a replacement was cut off at. */
export function isTemporary(name: string): boolean {
  return TEMPORARY.test(name);
}

/** How a replacement ended. */
export type Replacement =
  | { readonly done: true }
  | {
      readonly done: false;
      readonly error: unknown;
      /** Whether the new file may be there, or be there after a power cut. If not, nothing was changed. */
      readonly isUnknown: boolean;
    };

/**
 * Puts bytes in the place of a file, whole or not at all, also when the process or the machine dies: they are written beside it, for
 * this user alone, brought to the disk, and renamed; the name is brought to the disk too.
 *
 * @param signal - seen until the renaming; once that has begun, it is finished
 */
export async function replaceFile(
  directory: string,
  name: string,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<Replacement> {
  const temporary = join(directory, `.writing-${randomUUID()}`);
  let step: 'writing' | 'renaming' | 'renamed' = 'writing';
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    assertWanted(signal);
    step = 'renaming';
    await rename(temporary, join(directory, name));
    step = 'renamed';
    await syncDirectory(directory);
    return { done: true };
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    return {
      done: false,
      error,
      isUnknown: step === 'renamed' || (step === 'renaming' && systemCode(error) === 'EIO'),
    };
  }
}

/** Brings the names in a folder to the disk. Windows does so by itself, and cannot be asked to. */
export async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(directory, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
