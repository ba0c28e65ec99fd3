import type { JsonValue } from '@tenon/core';

/** An object of JSON. */
export type JsonObject = Readonly<Record<string, JsonValue>>;

/** Reads the object that bytes hold as JSON in UTF-8; `undefined` for anything else. The parser's own complaint would quote them. */
export function readJsonObject(bytes: Uint8Array): JsonObject | undefined {
  const text = readText(bytes);
  return text === undefined ? undefined : parseJsonObject(text);
}

/** Reads the object that text holds as JSON; `undefined` for anything else. */
export function parseJsonObject(text: string): JsonObject | undefined {
  try {
    return asObject(JSON.parse(text) as JsonValue);
  } catch {
    return undefined;
  }
}

/** Reads UTF-8; `undefined` for bytes that are none. */
export function readText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The value as an object, if it is one. */
export function asObject(value: JsonValue | undefined): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

/** The value as text, if it is some. */
export function asText(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The moment that a field tells, if it tells one. */
export function asDate(value: JsonValue | undefined): Date | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** Reads base64 of RFC 4648, padded; `undefined` for anything else. `Buffer` would skip what it does not know. */
export function readBase64(text: string): Buffer | undefined {
  const isBase64 = text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
  return isBase64 ? Buffer.from(text, 'base64') : undefined;
}
