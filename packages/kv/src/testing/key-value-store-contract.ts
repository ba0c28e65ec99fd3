import { argumentRules } from './argument-rules.ts';
import { concurrencyRules } from './concurrency-rules.ts';
import type { ContractCheck, OpenStore } from './contract-check.ts';
import { expiryRules } from './expiry-rules.ts';
import { sharingRules } from './sharing-rules.ts';
import { valueRules } from './value-rules.ts';

/**
 * The contract of `KeyValueStore` as checks that any test runner can run: a driver that passes them all may stand in
 * for any other.
 *
 * @param open - opens an empty store for one check; the check closes it
 * @param shared - whether values outlive one store, so that `open` gives an `other`. Default `true`
 * @example
 * ```ts
 * describe('the memory store', () => {
 *   it.each(keyValueStoreContract(open))('$name', ({ run }) => run());
 * });
 * ```
 */
export function keyValueStoreContract(open: OpenStore, shared = true): readonly ContractCheck[] {
  const rules = [...valueRules, ...expiryRules, ...concurrencyRules, ...argumentRules, ...(shared ? sharingRules : [])];
  return rules.map(({ name, request = {}, check }) => ({
    name,
    async run(): Promise<void> {
      const tools = await open(request);
      try {
        await check(tools);
      } finally {
        await tools.store.close();
        await tools.other?.close();
      }
    },
  }));
}
