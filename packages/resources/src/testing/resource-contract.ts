import { borrowingRules } from './borrowing-rules.ts';
import {
  CONTRACT_TENANT,
  inTenant,
  openTools,
  type OpenResource,
  type ResourceContractCheck,
  type ResourceRule,
  type ResourceUnderTest,
} from './contract-check.ts';
import { faultRules } from './fault-rules.ts';

/** What a driver offers to its contract, besides what all do. */
export interface ResourceContractOptions {
  /** Whether `stopServer` is there, and `startServer` with it. Default `true`. */
  readonly hasServer?: boolean;
  /** Whether it has a slot for a credential, `secrets`, and a `refusedToken`. Default `true`. */
  readonly hasLogin?: boolean;
  /** How long a check waits for what must come by itself, in milliseconds. Default 20,000. */
  readonly patienceMs?: number;
}

/**
 * The contract of a resource as checks that any test runner can run: a driver that passes them all works with pools, scopes, rotation and
 * quarantine as the others do.
 *
 * @param open - opens the driver for one check, on a server that works; the check closes it
 * @example
 * ```ts
 * describe('the queue driver', () => {
 *   it.each(resourceContract(open))('$name', ({ run }) => run());
 * });
 * ```
 */
export function resourceContract<Face extends object>(
  open: OpenResource<Face>,
  { hasServer = true, hasLogin = true, patienceMs = 20_000 }: ResourceContractOptions = {},
): readonly ResourceContractCheck[] {
  const wanted = [...borrowingRules, ...faultRules].filter(({ needs = [] }) =>
    needs.every((need) => (need === 'stopServer' || need === 'startServer' ? hasServer : hasLogin)),
  );
  return wanted.map((rule) => ({ name: rule.name, run: () => runRule(rule, open, patienceMs) }));
}

async function runRule<Face extends object>(
  rule: ResourceRule,
  open: OpenResource<Face>,
  patienceMs: number,
): Promise<void> {
  const opened = await open();
  try {
    assertOffers(rule, opened);
    const tools = openTools(opened, patienceMs);
    try {
      await inTenant(CONTRACT_TENANT, () =>
        // What the face is, the driver's own `work` knows.
        rule.check({ ...tools, work: (face) => opened.work(face as Face) }),
      );
    } finally {
      await tools.resources.close({ timeoutMs: 0 });
    }
  } finally {
    await opened.close();
  }
}

/** What is left out must be left out on purpose. */
function assertOffers<Face extends object>({ name, needs = [] }: ResourceRule, opened: ResourceUnderTest<Face>): void {
  const missing = needs.find((need) =>
    need === 'slots' ? Object.keys(opened.token.definition.credentials).length === 0 : opened[need] === undefined,
  );
  if (missing !== undefined) throw new Error(`the rule "${name}" needs "${missing}" of the resource under test`);
}
