/** Facts of a log line. Secrets inside are redacted by their own type. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Where packages write their logs. The server gives pino; anything with these methods will do.
 *
 * Obligations: never throws, never blocks, writes one line a call.
 */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A logger that adds `fields` to each line. */
  child(fields: LogFields): Logger;
}

/** Drops every line: the default of every package. */
export const silentLogger: Logger = Object.freeze({
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
});
