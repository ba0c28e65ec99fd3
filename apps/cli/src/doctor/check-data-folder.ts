import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Settings } from '@tenon/server';
import type { Finding } from './finding.ts';

/** Looks whether the data folder can be written by this user, and read by nobody else. */
export function checkDataFolder({ dataDir }: Settings): Finding {
  const name = 'data folder';
  const folder = nearestExisting(resolve(dataDir));
  if (!statSync(folder).isDirectory()) {
    return { name, state: 'failed', text: `"${folder}" is not a folder`, todo: 'set TENON_DATA_DIR to a folder' };
  }
  if (!isWritable(folder)) {
    return {
      name,
      state: 'failed',
      text: `"${folder}" cannot be written to`,
      todo: 'change its owner or mode, or set TENON_DATA_DIR',
    };
  }
  if (folder !== resolve(dataDir)) return { name, state: 'ok', text: `${dataDir} is made at the first start` };
  const mode = statSync(folder).mode & 0o777;
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    const text = `${dataDir} is open to other users of this machine (mode ${mode.toString(8)})`;
    return { name, state: 'warning', text, todo: `chmod 700 ${dataDir}` };
  }
  return { name, state: 'ok', text: `${dataDir} (mode ${mode.toString(8)})` };
}

function nearestExisting(path: string): string {
  return existsSync(path) ? path : nearestExisting(dirname(path));
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
