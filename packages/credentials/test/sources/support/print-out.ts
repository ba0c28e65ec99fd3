import { inspect } from 'node:util';

/** Everything of a value that could ever be printed: for looking for what must not be. */
export function printOut(...values: readonly unknown[]): string {
  return values
    .map((value) =>
      [inspect(value, { depth: 12, showHidden: true, maxStringLength: null }), asJson(value), traces(value)].join('\n'),
    )
    .join('\n');
}

function asJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}

function traces(value: unknown): string {
  if (!(value instanceof Error)) return '';
  const carried = Object.values(value).map((one: unknown) =>
    one instanceof Uint8Array ? Buffer.from(one).toString('latin1') : traces(one),
  );
  return [value.stack, traces(value.cause), ...carried].join('\n');
}
