import {
  keyText,
  type CredentialKey,
  type CredentialErrorCode,
  type CredentialMaterial,
  type CredentialSource,
  type SourcedCredential,
} from '@tenon/credentials';
import { CodedError, toError } from '@tenon/core';

/** A source in memory that does what a test tells it. */
export interface MemorySource extends CredentialSource {
  readonly asked: CredentialKey[];
  readonly isClosed: boolean;
  put(key: CredentialKey, material: CredentialMaterial, more?: Omit<SourcedCredential, 'material'>): void;
  remove(key: CredentialKey): void;
  deny(key: CredentialKey): void;
  /** What happens before each answer from now on: a wait, a failure. */
  before(hook: (key: CredentialKey) => Promise<void> | void): void;
}

export function memorySource(name = 'memory'): MemorySource {
  const held = new Map<string, SourcedCredential>();
  const denied = new Set<string>();
  const asked: CredentialKey[] = [];
  const closing = new AbortController();
  let before: (key: CredentialKey) => Promise<void> | void = () => undefined;
  const failed = (code: CredentialErrorCode): Error => new CodedError(code, `the source "${name}" says no`);

  return {
    name,
    asked,
    get isClosed() {
      return closing.signal.aborted;
    },
    async get(key, { signal }) {
      if (closing.signal.aborted) throw failed('CREDENTIALS_CLOSED');
      asked.push(key);
      await Promise.race([before(key), abortOf(signal), abortOf(closing.signal)]);
      if (denied.has(keyText(key))) throw failed('CREDENTIAL_STORAGE_DENIED');
      return held.get(keyText(key));
    },
    put: (key, material, more = {}) => void held.set(keyText(key), { material, ...more }),
    remove: (key) => void held.delete(keyText(key)),
    deny: (key) => void denied.add(keyText(key)),
    before(hook) {
      before = hook;
    },
    close: async () => closing.abort(failed('CREDENTIALS_CLOSED')),
  };
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(toError(signal.reason));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
