import { createSingleFlight, currentContext, runInContext } from '@tenon/core';
import { beforeAbort } from '../cache/before-abort.ts';
import { keyText, type CredentialKey } from '../identity/credential-key.ts';
import { aborted, callersSignal, guardedCall, type GuardOptions } from '../storage/guarded-call.ts';
import type { CredentialSource } from './credential-source.ts';
import { aboutSourced, optionInvalid } from './source-error.ts';
import { createSourcedCache } from './sourced-cache.ts';
import { toSourcedRecord, type LoadedCredential, type SourcedRecordParts } from './sourced-record.ts';

/** The sources of one vault, in their order. */
export interface SourceChain {
  /**
   * Asks the sources one after the other, until one has it. Only "there is none" leads on to the next; any failure ends the search, so that a source
   * that is down or says no never lets another's credential be taken for its own.
   *
   * @param spentMs - how much of the operation's time is over, in milliseconds. Default 0
   * @returns a record that is sealed and stored nowhere; `undefined` when none of them has it
   */
  get(key: CredentialKey, spentMs?: number): Promise<LoadedCredential | undefined>;
  /** Forgets one key, or all: what is being read now is not kept either. */
  forget(key?: CredentialKey): void;
  close(): Promise<void>;
}

/** What {@link createSourceChain} takes. */
export interface SourceChainOptions extends SourcedRecordParts {
  readonly sources: readonly CredentialSource[];
  readonly guard: GuardOptions;
}

const LONGEST_TTL_MS = 86_400_000;

/**
 * Makes the chain. What is read at the same time is read once; it is kept for as long as its source says, which is not at all unless it does.
 *
 * @throws `CREDENTIALS_OPTIONS_INVALID` when two sources have one name
 */
export function createSourceChain(options: SourceChainOptions): SourceChain {
  const { sources, guard, clock } = options;
  const names = sources.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw optionInvalid('source', `is called "${twice}" twice: give one of them another name`);
  const cache = createSourcedCache<LoadedCredential>(clock);
  const readings = createSingleFlight<string, LoadedCredential | undefined>();

  const read = (key: CredentialKey, text: string, timeoutMs: number): Promise<LoadedCredential | undefined> =>
    readings.run(text, async (flight) => {
      const found = await withoutSignal(() => askInOrder(options, key, timeoutMs));
      // Of a key that was forgotten since then, it may have found what was there before.
      if (found !== undefined && !flight.isForgotten) cache.set(text, found.record, found.ttlMs);
      return found?.record;
    });

  return {
    async get(key, spentMs = 0) {
      const timeoutMs = guard.timeoutMs - spentMs;
      const text = keyText(key);
      const cached = cache.get(text);
      if (cached !== undefined) return cached;
      const caller = callersSignal();
      if (caller === undefined) return read(key, text, timeoutMs);
      if (caller.aborted) throw aborted(key, caller.reason);
      const record = read(key, text, timeoutMs);
      try {
        return await beforeAbort(record, caller);
      } catch (error) {
        throw caller.aborted ? aborted(key, error) : error;
      }
    },
    forget(key) {
      if (key === undefined) {
        cache.clear();
        readings.forgetAll();
      } else {
        cache.delete(keyText(key));
        readings.forget(keyText(key));
      }
    },
    async close() {
      cache.clear();
      readings.forgetAll();
      await Promise.all(sources.map((source) => source.close()));
    },
  };
}

interface Found {
  readonly record: LoadedCredential;
  readonly ttlMs: number;
}

/** Asks one source after the other, until one has it. */
async function askInOrder(
  options: SourceChainOptions,
  key: CredentialKey,
  timeoutMs: number,
): Promise<Found | undefined> {
  const { sources, guard, clock } = options;
  const startedAtMs = clock.monotonicMs();
  for (const source of sources) {
    const leftMs = Math.max(1, Math.ceil(timeoutMs - (clock.monotonicMs() - startedAtMs)));
    const found = await guardedCall(
      { ...guard, timeoutMs: leftMs },
      { role: 'source', name: source.name, kind: 'read', key, call: (given) => readOne(options, source, key, given) },
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

async function readOne(
  options: SourceChainOptions,
  source: CredentialSource,
  key: CredentialKey,
  given: { readonly signal: AbortSignal },
): Promise<Found | undefined> {
  try {
    const sourced = await source.get(key, given);
    if (sourced === undefined) return undefined;
    const record = toSourcedRecord(options, source.name, key, sourced);
    const { expiresAt = Infinity } = record.current;
    const ttlMs = Math.min(sourced.ttlMs ?? 0, LONGEST_TTL_MS, expiresAt - options.clock.now());
    return { record, ttlMs };
  } catch (error) {
    throw aboutSourced(error, source.name, key);
  }
}

// Many may wait for one reading: it must not end because one of them gives up.
function withoutSignal<T>(work: () => Promise<T>): Promise<T> {
  const { signal: _, deadline: __, ...context } = currentContext() ?? {};
  return runInContext(context, work);
}
