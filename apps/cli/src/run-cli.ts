import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { isCodedError, toError } from '@tenon/core';
import type { Cli } from './cli.ts';
import { deleteCredential } from './commands/credential/delete-credential.ts';
import { getCredential } from './commands/credential/get-credential.ts';
import { listCredentials } from './commands/credential/list-credentials.ts';
import { putCredential } from './commands/credential/put-credential.ts';
import { rotateCredential } from './commands/credential/rotate-credential.ts';
import { showAudit } from './commands/credential/show-audit.ts';
import { validateCredentials } from './commands/credential/validate-credentials.ts';
import { createTenant } from './commands/create-tenant.ts';
import { createUser } from './commands/create-user.ts';
import { generateKeys } from './commands/generate-keys.ts';
import { importRows } from './commands/import-rows.ts';
import { listTenants } from './commands/list-tenants.ts';
import { migrateDatabase } from './commands/migrate-database.ts';
import { reseal } from './commands/reseal.ts';
import { checkResources } from './commands/resource/check-resources.ts';
import { inspectResource } from './commands/resource/inspect-resource.ts';
import { listResources } from './commands/resource/list-resources.ts';
import { showMetrics } from './commands/resource/show-metrics.ts';
import { validateResources } from './commands/resource/validate-resources.ts';
import { rotateKeys } from './commands/rotate-keys.ts';
import { runDoctor } from './commands/run-doctor.ts';
import { serve } from './commands/serve.ts';
import { setPassword } from './commands/set-password.ts';
import { showSettings } from './commands/show-settings.ts';
import { cliError } from './errors.ts';
import { explainError } from './explain-error.ts';

const SETTINGS_HINT = `
Settings are environment variables, or lines of the file .env in this folder: see "tenon settings".`;

/**
 * Runs one command.
 *
 * @param args - the command line behind the program's name
 * @returns the exit code: 0 done, 1 failed, 2 wrong usage
 */
export async function runCli(args: readonly string[], cli: Cli): Promise<number> {
  const program = createProgram(cli);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return 0;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0; // --help and --version
    const error = thrown instanceof CommanderError ? usageError(thrown, commandPath(program, args)) : toError(thrown);
    cli.stderr.write(`${explainError(error, cli.environment)}\n`);
    return isCodedError(error, 'USAGE_INVALID') ? 2 : 1;
  }
}

function createProgram(cli: Cli): Command {
  const program = new Command('tenon')
    .description('Runs and looks after a Tenon server.')
    .version(ownVersion())
    .addHelpText('after', SETTINGS_HINT);
  const commands = [
    serve(cli),
    migrateDatabase(cli),
    runDoctor(cli),
    showSettings(cli),
    group('keys', 'Encryption keys.', [generateKeys(cli), rotateKeys(cli), reseal(cli)]),
    group('tenant', 'Tenants.', [createTenant(cli), listTenants(cli)]),
    group('user', 'People of a tenant.', [createUser(cli), setPassword(cli)]),
    group('credential', 'Secrets with which a tenant acts in other systems.', [
      putCredential(cli),
      getCredential(cli),
      listCredentials(cli),
      validateCredentials(cli),
      rotateCredential(cli),
      deleteCredential(cli),
      showAudit(cli),
    ]),
    group('resource', 'Databases, caches and services that a tenant connects to.', [
      listResources(cli),
      inspectResource(cli),
      checkResources(cli),
      showMetrics(cli),
      validateResources(cli),
    ]),
    importRows(cli),
  ];
  for (const command of commands) program.addCommand(command);
  return configure(program, cli);
}

function ownVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    readonly version: string;
  };
  return version;
}

function group(name: string, description: string, commands: readonly Command[]): Command {
  const parent = new Command(name).description(description);
  for (const command of commands) parent.addCommand(command);
  return parent;
}

// Commander would end the process by itself. Settings are not inherited by commands that were made on their own.
function configure(command: Command, cli: Cli): Command {
  command
    .exitOverride()
    .helpCommand(false)
    .configureOutput({
      writeOut: (text) => void cli.stdout.write(text),
      // A group without a command shows its help, which is an error all the same.
      writeErr: (text) => void cli.stderr.write(text),
      outputError: () => undefined, // told with its code by runCli
    });
  for (const child of command.commands) configure(child, cli);
  return command;
}

function usageError(error: CommanderError, path: string): Error {
  const isIncomplete = error.code === 'commander.help';
  const what = isIncomplete
    ? 'a command is missing'
    : withoutValues(error)
        .replace(/^error: /, '')
        .replace(/\.$/, '');
  return cliError('USAGE_INVALID', `${what}. See: ${path} --help`);
}

// Who writes a secret where none belongs must not find it in a log of errors as well.
function withoutValues({ code, message }: CommanderError): string {
  if (code === 'commander.unknownOption') return message.replace(/=[^]*?'(?=$|\n)/, "'");
  return code === 'commander.excessArguments' ? message.replace(/: (?!too many)[^]*$/, '') : message;
}

/** As much of the command line as names a command: `tenon tenant create`. */
function commandPath(program: Command, args: readonly string[]): string {
  const names = [program.name()];
  let command: Command | undefined = program;
  for (const word of args) {
    command = command.commands.find((child) => child.name() === word);
    if (command === undefined) break;
    names.push(word);
  }
  return names.join(' ');
}
