import { isCodedError } from '@tenon/core';
import { KeyRing } from '@tenon/crypto';
import type { LoadedSettings, Settings } from '@tenon/server';
import { compose, loadSettings } from '@tenon/server/composition';
import type { Cli } from '../cli.ts';
import { commandLogger } from '../with-services.ts';
import { checkDataFolder } from './check-data-folder.ts';
import { checkDatabase } from './check-database.ts';
import { checkKeys } from './check-keys.ts';
import { checkPort } from './check-port.ts';
import { checkRedis } from './check-redis.ts';
import type { Finding } from './finding.ts';

// Somebody waits for the answer; a server at its start has more patience.
const CONNECT_DEADLINE_MS = 3_000;

/** Makes every check, in the order in which a start would meet its subject. */
export async function examine(cli: Cli): Promise<readonly Finding[]> {
  let loaded: LoadedSettings;
  try {
    loaded = loadSettings(cli.environment);
  } catch (error) {
    if (!isCodedError(error, 'SETTINGS_INVALID')) throw error;
    return [
      { name: 'settings', state: 'failed', text: error.message, todo: '"tenon settings" explains every setting' },
    ];
  }
  const { settings } = loaded;
  return [
    ...checkSettings(loaded),
    checkDataFolder(settings),
    checkKeys(settings, Date.now()),
    ...(await examineServices(cli, settings)),
    await checkPort(settings),
  ];
}

function checkSettings({ warnings }: LoadedSettings): readonly Finding[] {
  if (warnings.length === 0) return [{ name: 'settings', state: 'ok', text: 'every one is valid' }];
  return warnings.map(({ name, problem }) => ({ name: 'settings', state: 'warning', text: `${name}: ${problem}` }));
}

async function examineServices(cli: Cli, settings: Settings): Promise<readonly Finding[]> {
  // Keys of its own for the moment: real ones may be missing or wrong, and must not be made here.
  const harmless = { ...settings, keys: KeyRing.generate().format(), databaseConnectDeadlineMs: CONNECT_DEADLINE_MS };
  const composition = await compose(harmless, {
    logger: await commandLogger(cli, { ...settings, logLevel: 'silent' }),
  });
  try {
    return [await checkDatabase(settings, composition.services), await checkRedis(settings, composition.services)];
  } finally {
    await composition.stop();
  }
}
