import pino from 'pino';
import type { Logger } from '@tenon/core';

// Credentials have recognisable forms: whatever path one takes into a line, it does not leave in it.
const CREDENTIALS =
  /\btn[rki]_[\w-]{8,}|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]+|(?<=:\/\/[^\s:@/"]*:)[^\s@/"]+(?=@)|\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}/g;

const SECRET_NAME =
  /^(?:password|passwd|secret|token|authorization|cookie|set-cookie|api-?key)$|(?:Password|Secret|Token|Key)$/i;
const MAX_DEPTH = 4;

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
    formatters: { level: (label) => ({ level: label }), log: (fields) => withoutSecrets(fields, 0) },
    serializers: { err: serializeError, error: serializeError },
    hooks: { streamWrite: (line) => line.replaceAll(CREDENTIALS, '[secret]') },
  };
  return options.destination === undefined
    ? pino(pinoOptions, pino.destination({ fd: 1, sync: true }))
    : pino(pinoOptions, options.destination);
}

// Looks at names only, and copies nothing unless there is something to cut out: every line passes here.
function withoutSecrets(fields: Record<string, unknown>, depth: number): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  for (const name in fields) {
    const value = fields[name];
    if (value === undefined || value === null || typeof value === 'number' || typeof value === 'boolean') continue;
    let shown = value;
    if (SECRET_NAME.test(name)) shown = '[secret]';
    else if (typeof value === 'object' && depth < MAX_DEPTH && isPlain(value)) shown = withoutSecrets(value, depth + 1);
    if (shown === value) continue;
    copy ??= { ...fields };
    copy[name] = shown;
  }
  return copy ?? fields;
}

function isPlain(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Array.isArray(value);
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
