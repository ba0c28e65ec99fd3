import { batchRules } from './batch-rules.ts';
import { concurrencyRules } from './concurrency-rules.ts';
import type { ContractCheck, ContractRule, OpenStorage, StorageCapabilities } from './contract-check.ts';
import { filterRules } from './filter-rules.ts';
import { keyRules } from './key-rules.ts';
import { listRules } from './list-rules.ts';
import { ownershipRules, sharingRules } from './ownership-rules.ts';
import { roundTripRules } from './round-trip-rules.ts';

const groups = {
  'round trips': roundTripRules,
  keys: keyRules,
  concurrency: concurrencyRules,
  lists: listRules,
  filters: filterRules,
  ownership: ownershipRules,
} as const;

/** What {@link describeCredentialStorage} takes besides the storage. */
export interface DescribeOptions extends StorageCapabilities {
  /** Of the test runner: groups checks. */
  readonly describe: (name: string, body: () => void) => unknown;
  /** Of the test runner: runs one. */
  readonly it: (name: string, check: () => Promise<void>) => unknown;
  /** Whether the storage has batches. Default `false`: `batch` must be absent then. */
  readonly hasBatches?: boolean;
  /** Whether `open` gives an `other`. Default `false`. */
  readonly isShared?: boolean;
}

/**
 * Describes a driver by the contract of `CredentialStorage`, in any test runner: one that passes may stand in for any other.
 *
 * @param name - of the driver, as the report shows it
 * @param open - opens an empty storage for one check; the check closes it, and `other`
 * @example
 * ```ts
 * import { describe, it } from 'vitest';
 * describeCredentialStorage('the memory storage', () => ({ storage: memoryStorage() }), { describe, it });
 * ```
 */
export function describeCredentialStorage(name: string, open: OpenStorage, options: DescribeOptions): void {
  const { describe, it, hasBatches = false, isShared = false } = options;
  const own: readonly ContractRule[] = [
    {
      name: hasBatches ? 'says that it takes many at once' : 'says that it takes one at a time',
      async check({ storage }) {
        if ((storage.batch !== undefined) !== hasBatches) throw new Error('"batch" is not what "hasBatches" says');
      },
    },
  ];
  const all: Readonly<Record<string, readonly ContractRule[]>> = {
    ...groups,
    batches: [...own, ...(hasBatches ? batchRules : [])],
    ...(isShared ? { sharing: sharingRules } : {}),
  };
  describe(`${name} keeps the contract of storages`, () => {
    for (const [group, rules] of Object.entries(all)) {
      describe(group, () => {
        for (const check of bind(rules, open, options)) it(check.name, check.run);
      });
    }
  });
}

function bind(
  rules: readonly ContractRule[],
  open: OpenStorage,
  { envelopeBytes = 600_000, callers = 50 }: StorageCapabilities,
): readonly ContractCheck[] {
  return rules.map(({ name, check }) => ({
    name,
    async run() {
      const tools = await open();
      try {
        await check(tools, { envelopeBytes, callers });
      } finally {
        await tools.storage.close();
        await tools.other?.close();
      }
    },
  }));
}
