import { isCodedError } from '@tenon/core';
import type { VaultParts } from './vault-parts.ts';

/** Runs one operation inside a span, and counts what came of it. The tenant and the credential stay out of both. */
export async function measured<T>(parts: VaultParts, operation: string, work: () => Promise<T>): Promise<T> {
  const startedMs = parts.clock.monotonicMs();
  let result = 'succeeded';
  try {
    return await parts.inHand.run(() =>
      parts.telemetry.span(`credentials.${operation}`, { 'tenon.storage': parts.storageName }, work),
    );
  } catch (error) {
    result = resultOf(error);
    throw error;
  } finally {
    parts.instruments.ended(operation, result, (parts.clock.monotonicMs() - startedMs) / 1000);
  }
}

/** Counts an operation that needs no storage. It has no span: one would take longer than the operation. */
export function counted<T>(parts: VaultParts, operation: string, work: () => T | Promise<T>): T | Promise<T> {
  const startedMs = parts.clock.monotonicMs();
  const ended = (result: string): void =>
    parts.instruments.ended(operation, result, (parts.clock.monotonicMs() - startedMs) / 1000);
  const failed = (error: unknown): never => {
    ended(resultOf(error));
    throw error;
  };
  const succeeded = (value: T): T => {
    ended('succeeded');
    return value;
  };
  let value: T | Promise<T>;
  try {
    value = work();
  } catch (error) {
    return failed(error);
  }
  return value instanceof Promise ? value.then(succeeded, failed) : succeeded(value);
}

const resultOf = (error: unknown): string => (isCodedError(error) ? error.code : 'UNEXPECTED');
