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
    end(parts, operation, result, startedMs);
  }
}

/** Counts an operation that needs no storage. It has no span: one would take longer than the operation. */
export function counted<T>(parts: VaultParts, operation: string, work: () => T | Promise<T>): T | Promise<T> {
  const startedMs = parts.clock.monotonicMs();
  let value: T | Promise<T>;
  try {
    value = work();
  } catch (error) {
    end(parts, operation, resultOf(error), startedMs);
    throw error;
  }
  if (value instanceof Promise) return countedLater(parts, operation, value, startedMs);
  end(parts, operation, 'succeeded', startedMs);
  return value;
}

async function countedLater<T>(parts: VaultParts, operation: string, value: Promise<T>, startedMs: number): Promise<T> {
  let result = 'succeeded';
  try {
    return await value;
  } catch (error) {
    result = resultOf(error);
    throw error;
  } finally {
    end(parts, operation, result, startedMs);
  }
}

function end({ instruments, clock }: VaultParts, operation: string, result: string, startedMs: number): void {
  instruments.ended(operation, result, (clock.monotonicMs() - startedMs) / 1000);
}

const resultOf = (error: unknown): string => (isCodedError(error) ? error.code : 'UNEXPECTED');
