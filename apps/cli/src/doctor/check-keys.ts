import { statSync } from 'node:fs';
import { isCodedError } from '@tenon/core';
import type { Settings } from '@tenon/server';
import { loadKeys } from '@tenon/server/composition';
import type { Finding } from './finding.ts';

const DAY_MS = 86_400_000;

/** Looks at the keys and at who can read their file. Makes none. */
export function checkKeys(settings: Settings, nowMs: number): Finding {
  const name = 'keys';
  try {
    const { keys, source, file } = loadKeys(settings, { create: false });
    const count = keys.ids.length === 1 ? '1 key' : `${keys.ids.length} keys`;
    if (source === 'settings') return { name, state: 'ok', text: `${count} in TENON_KEYS` };
    const { mode, mtimeMs } = statSync(file);
    const text = `${count} in ${file} (mode ${(mode & 0o777).toString(8)}, written ${age(nowMs - mtimeMs)})`;
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      return { name, state: 'failed', text: `${text}: other users can read it`, todo: `chmod 600 ${file}` };
    }
    return { name, state: 'ok', text };
  } catch (error) {
    if (!isCodedError(error, 'KEYS_INVALID')) throw error;
    const isMissing = error.message.startsWith('there are no keys');
    if (isMissing) return { name, state: 'warning', text: 'none yet; the first start makes them' };
    return { name, state: 'failed', text: error.message };
  }
}

function age(ms: number): string {
  const days = Math.floor(ms / DAY_MS);
  return days <= 0 ? 'today' : days === 1 ? 'yesterday' : `${days} days ago`;
}
