import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { inspect } from 'node:util';
import type { Logger } from '@tenon/core';
import type { Resources, ResourceToken } from '@tenon/resources';
import { inTenant } from '../support/open-resources.ts';
import { recordTelemetry } from '../support/recorded-telemetry.ts';

/** Everything that a process shows of its resources, to whomever. */
export interface Shown {
  readonly logger: Logger;
  /** Adds something that was thrown, or is at hand to be printed. */
  add(what: string, value: unknown): void;
  /** Adds what the resources tell of themselves now. */
  look(resources: Resources, token: ResourceToken): Promise<void>;
  /** Where one of the texts is seen, in whatever way it is printed. */
  placesOf(texts: readonly string[]): readonly string[];
  /** How much was looked at, by what it is. */
  readonly counts: Readonly<Record<string, number>>;
  stop(): void;
}

/** Begins to record. */
export function recordShown(): Shown {
  const parts: { readonly what: string; readonly text: string }[] = [];
  const telemetry = recordTelemetry();
  const counts: Record<string, number> = {};
  const keep = (what: string, text: string): void => void parts.push({ what, text });
  const add = (what: string, value: unknown): void => {
    counts[what] = (counts[what] ?? 0) + 1;
    keep(`${what}, inspected`, inspect(value, { depth: 12, showHidden: true, maxStringLength: null }));
    keep(`${what}, as JSON`, jsonOf(value));
    for (let error = value; error instanceof Error; error = error.cause) {
      keep(`${what}, its message and stack`, `${error.message}\n${error.stack}\n${String(error)}`);
      keep(`${what}, its fields`, jsonOf(Object.fromEntries(Object.entries(error))));
    }
  };
  const line = (fields: unknown, message: unknown): void => add('a log line', { fields, message });
  const logger: Logger = { debug: line, info: line, warn: line, error: line, child: () => logger };
  const before = globalThis.console;
  const sink = new Writable({
    write(chunk, _encoding, done) {
      keep('the console', String(chunk));
      done();
    },
  });
  globalThis.console = new Console(sink, sink);

  return {
    logger,
    add,
    counts,
    async look(resources, token) {
      add('a view', resources.list());
      add('health', [resources.health(), resources.healthHistory(token)]);
      add('the registry', [resources, token]);
      await inTenant('acme', async () => add('a view of a tenant', [resources.list(), resources.usage('acme')]));
      for (const span of telemetry.spans) add('a span', span);
      for (const measurement of [...telemetry.measurements, ...telemetry.readGauges()])
        add('a measurement', measurement);
    },
    placesOf: (texts) =>
      parts.flatMap(({ what, text }) => texts.filter((one) => text.includes(one)).map((one) => `"${one}" in ${what}`)),
    stop() {
      telemetry.stop();
      globalThis.console = before;
    },
  };
}

/** In the forms in which a password is written into URLs and headers. */
export function formsOf(username: string, password: string): readonly string[] {
  return [
    password,
    encodeURIComponent(password),
    Buffer.from(`${username}:${password}`).toString('base64'),
    Buffer.from(password).toString('base64').replaceAll('=', ''),
    Buffer.from(password).toString('hex'),
  ];
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    // A circle: somebody who prints it gets no text.
    return '';
  }
}
