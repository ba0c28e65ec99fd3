import pino from 'pino';
import type { Logger } from '@tenon/core';

// Credentials have recognisable forms: whatever path one takes into a line, it does not leave in it.
const CREDENTIALS =
  /\btn[rki]_[\w-]{8,}|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]+|(?<=:\/\/[^\s:@/"]*:)[^\s@/"]+(?=@)|\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}/g;

const REDACTED_PATHS = [
  'password',
  'secret',
  'token',
  'authorization',
  'cookie',
  '*.password',
  '*.secret',
  '*.token',
  '*.accessToken',
  '*.refreshToken',
  '*.authorization',
  '*.cookie',
  'headers["set-cookie"]',
];

/** What {@link createLogger} takes. */
export interface LoggerOptions {
  /** Least important lines to write. */
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Where lines go. Default: standard output. */
  readonly destination?: { write(line: string): void };
}

/**
 * The server's logger: one JSON object a line, times in ISO 8601, with known credentials cut out by field name and by form.
 */
export function createLogger(options: LoggerOptions): pino.Logger & Logger {
  const pinoOptions: pino.LoggerOptions = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: serializeError },
    redact: { paths: REDACTED_PATHS, censor: '[secret]' },
    hooks: { streamWrite: (line) => line.replaceAll(CREDENTIALS, '[secret]') },
  };
  return options.destination === undefined
    ? pino(pinoOptions, pino.destination({ fd: 1, sync: false, minLength: 0 }))
    : pino(pinoOptions, options.destination);
}

// An error may carry anything in own fields (a driver's query with its values, for one): keep what is known to be plain.
function serializeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const { code } = error as { code?: unknown };
  return {
    name: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    message: error.message,
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: serializeError(error.cause) }),
  };
}
