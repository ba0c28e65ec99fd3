import { Command } from 'commander';
import { isCodedError } from '@tenon/core';
import { KeyRing } from '@tenon/crypto';
import { compose, loadSettings, type LoadedSettings, type Settings } from '@tenon/server';
import { outputOf, type Cli } from '../cli.ts';
import { checkDataFolder } from '../doctor/check-data-folder.ts';
import { checkDatabase } from '../doctor/check-database.ts';
import { checkKeys } from '../doctor/check-keys.ts';
import { checkPort } from '../doctor/check-port.ts';
import { checkRedis } from '../doctor/check-redis.ts';
import { formatFinding, type Finding } from '../doctor/finding.ts';
import { cliError } from '../errors.ts';
import type { OutputOptions } from '../output.ts';
import { commandLogger } from '../with-services.ts';

// Somebody waits for the answer; a server at its start has more patience.
const CONNECT_DEADLINE_MS = 3_000;

/** `tenon doctor`: looks whether the server would run here, and changes nothing. */
export function runDoctor(cli: Cli): Command {
  return new Command('doctor')
    .description('Check settings, data folder, database, keys, port and Redis, and say what to do.')
    .option('--json', 'print the result as JSON')
    .action(async (options: OutputOptions) => {
      const findings = await examine(cli);
      const failed = findings.filter(({ state }) => state === 'failed').length;
      outputOf(cli, options).result({ ok: failed === 0, findings }, findings.flatMap(formatFinding));
      if (failed > 0) {
        throw cliError(
          'DOCTOR_FOUND_PROBLEMS',
          `${failed} of ${findings.length} checks failed: what to do stands behind each ✗`,
        );
      }
    });
}

async function examine(cli: Cli): Promise<readonly Finding[]> {
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
  const composition = await compose(harmless, { logger: commandLogger(cli, { ...settings, logLevel: 'silent' }) });
  try {
    return [await checkDatabase(settings, composition.services), await checkRedis(settings, composition.services)];
  } finally {
    await composition.stop();
  }
}
