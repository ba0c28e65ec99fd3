import { runAs } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import {
  apiKey,
  covers,
  keyText,
  type CredentialKey,
  type CredentialVault,
  type CredentialView,
} from '@tenon/credentials';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openVault } from '../vault/support/open-vault.ts';

const ATTEMPTS = 100_000;
const RUNS = 20;

const tenants = ['acme', 'acm', 'Acme', 'other'] as const;
// Names that begin like each other, on three levels: 4 + 16 + 64 scopes.
const names = ['a', 'ac', 'acme', '__proto__'] as const;
const scopes = names.flatMap((org) => [
  `org:${org}`,
  ...names.flatMap((team) => [
    `org:${org}/team:${team}`,
    ...names.map((service) => `org:${org}/team:${team}/service:${service}`),
  ]),
]);
const ids = ['key', 'KEY', 'constructor'] as const;

type Random = (limit: number) => number;

/** Mulberry32: small, and the same numbers for the same seed. */
function randomFrom(seed: number): Random {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

interface Viewpoint {
  readonly view: CredentialView;
  /** What it may see; `undefined`: every scope of its tenant. */
  readonly scope: string | undefined;
  readonly isAdministrator: boolean;
}

/** What the vault must hold: the value under each key. */
type Model = Map<string, CredentialKey & { readonly value: string }>;

interface Attempt {
  readonly random: Random;
  readonly model: Model;
  readonly viewpoint: Viewpoint;
  readonly key: CredentialKey;
}

const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)] as T;

function viewpointOf(vault: CredentialVault, random: Random, key: CredentialKey): Viewpoint {
  const kind = random(10);
  if (kind === 0) return { view: vault, scope: undefined, isAdministrator: false };
  if (kind === 1) return { view: vault.asAdministrator('random'), scope: undefined, isAdministrator: true };
  // Half of them at or above the place that they look at: else hardly any could see it.
  const path = key.scope.split('/');
  const scope = kind < 6 ? path.slice(0, 1 + random(path.length)).join('/') : pick(random, scopes);
  return { view: vault.within(scope), scope, isAdministrator: false };
}

const mayShow = ({ scope }: Viewpoint, key: CredentialKey): boolean => scope === undefined || covers(scope, key.scope);

/** What lies in a tenant and below a scope. */
function below(model: Model, tenant: string, scope: string | undefined): readonly string[] {
  return [...model.values()]
    .filter((key) => key.tenant === tenant && (scope === undefined || covers(scope, key.scope)))
    .map(keyText)
    .toSorted();
}

const attempts: readonly ((attempt: Attempt) => Promise<void>)[] = [
  async function read({ model, viewpoint, key }) {
    const expected = mayShow(viewpoint, key) ? model.get(keyText(key))?.value : undefined;
    expect((await viewpoint.view.retrieve(key))?.secret.reveal()).toBe(expected);
  },
  async function write({ random, model, viewpoint, key }) {
    const value = `${keyText(key)} ${random(1_000_000)}`;
    const code = await codeOf(viewpoint.view.store(key, apiKey(value)));
    expect(code).toBe(mayShow(viewpoint, key) ? 'none' : 'CREDENTIAL_SCOPE_VIOLATION');
    if (code === 'none') model.set(keyText(key), { ...key, value });
  },
  async function remove({ model, viewpoint, key }) {
    const expected = mayShow(viewpoint, key) && model.delete(keyText(key));
    expect(await viewpoint.view.delete(key)).toBe(expected);
  },
  async function judge({ model, viewpoint, key }) {
    const isThere = mayShow(viewpoint, key) && model.has(keyText(key));
    expect((await viewpoint.view.validate(key)).status).toBe(isThere ? 'valid' : 'not-found');
  },
  async function inspect({ model, viewpoint, key }) {
    const isThere = mayShow(viewpoint, key) && model.has(keyText(key));
    expect((await viewpoint.view.inspect(key)) !== undefined).toBe(isThere);
  },
  async function together({ model, viewpoint, key }) {
    const keys = ids.map((id) => ({ ...key, id }));
    const { items } = await viewpoint.view.retrieveMany(keys);
    const values = items.map((item) => (item.ok ? item.value?.secret.reveal() : item.error));
    const expected = keys.map((one) => (mayShow(viewpoint, key) ? model.get(keyText(one))?.value : undefined));
    expect(values).toEqual(expected);
  },
];

async function list({ model, viewpoint, key }: Attempt): Promise<void> {
  const { view, scope, isAdministrator } = viewpoint;
  const filter = isAdministrator ? {} : { scope: key.scope };
  const found = (await view.list({ ...filter, limit: 1_000 })).items.map((one) =>
    keyText({ ...one, tenant: key.tenant }),
  );
  const isAllowed = isAdministrator || scope === undefined || covers(scope, key.scope);
  expect(found.toSorted()).toEqual(isAllowed ? below(model, key.tenant, filter.scope) : []);
}

it('in 100,000 random attempts nothing of another tenant or scope is read, written, deleted, listed or counted', async () => {
  let made = 0;
  const seeds = fc.integer({ min: 1, max: 2 ** 31 - 1 });
  await fc.assert(
    fc.asyncProperty(seeds, async (seed) => {
      const random = randomFrom(seed);
      const { vault } = openVault({ tenant: 'none', auditMode: 'none' });
      const model: Model = new Map();
      for (let count = 0; count < ATTEMPTS / RUNS; count += 1) {
        const tenant = pick(random, tenants);
        const key = { tenant, scope: pick(random, scopes), id: pick(random, ids) };
        const work = random(40) === 0 ? list : pick(random, attempts);
        await runAs({ tenant }, () => work({ random, model, viewpoint: viewpointOf(vault, random, key), key }));
        made += 1;
      }
      // Everything that is there was written by who may write there.
      for (const tenant of tenants) {
        const all = await runAs({ tenant }, () => vault.asAdministrator('count').list({ limit: 1_000 }));
        expect(all.items.map((one) => keyText({ ...one, tenant })).toSorted()).toEqual(below(model, tenant, undefined));
      }
      expect(model.size).toBeGreaterThan(100);
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  expect(made).toBe(ATTEMPTS);
});
