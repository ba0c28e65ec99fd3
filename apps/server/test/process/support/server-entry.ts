// Runs the server as `tenon serve` does, and says the same things to whoever started it.
import { isCodedError, toError } from '@tenon/core';
import { createLogger, loadSettings, startServer } from '@tenon/server';

try {
  const { settings } = loadSettings(process.env);
  const logger = createLogger({ level: settings.logLevel });
  const server = await startServer({ settings, logger });
  const end = (code: number): void => void server.stop().then(() => process.exit(code));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => end(0));
  for (const fault of ['unhandledRejection', 'uncaughtException'] as const) {
    process.on(fault, (error: unknown) => {
      logger.fatal({ err: toError(error) }, fault);
      end(1);
    });
  }
  const { owner, password } = await server.ready;
  if (owner !== undefined) process.stdout.write(`sign in  ${owner.email}\n`);
  if (password !== undefined) process.stdout.write(`password shown this once: ${password.reveal()}\n`);
} catch (error) {
  const { message } = toError(error);
  process.stderr.write(`${isCodedError(error) ? `${error.code}: ` : ''}${message}\n`);
  process.exit(1);
}
