import { codeOf, createTestClock } from '@tenon/core/testing';
import { apiKey, credentialErrorCodes, credentials, type CredentialVault } from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { scriptedStorage, type StorageOperation } from '@tenon/credentials/testing';
import { KeyRing } from '@tenon/crypto';
import { describe, expect, it } from 'vitest';

const reference = { scope: 'org:acme', id: 'key' };
const material = apiKey('x');
const firstCode = async (batch: Promise<{ orThrow(): unknown; items: readonly object[] }>): Promise<string> => {
  const [item] = (await batch).items as readonly { readonly ok: boolean; readonly error?: { readonly code: string } }[];
  return item?.error?.code ?? 'none';
};

const operations: Readonly<Record<string, (vault: CredentialVault) => Promise<string>>> = {
  retrieve: (vault) => codeOf(vault.retrieve(reference)),
  inspect: (vault) => codeOf(vault.inspect(reference)),
  validate: (vault) => codeOf(vault.validate(reference)),
  list: (vault) => codeOf(vault.list({ scope: 'org:acme' })),
  listAll: (vault) => codeOf(vault.listAll({ scope: 'org:acme' })[Symbol.asyncIterator]().next()),
  store: (vault) => codeOf(vault.store(reference, material)),
  delete: (vault) => codeOf(vault.delete(reference)),
  rotate: (vault) => codeOf(vault.rotate(reference, material)),
  rotateNow: (vault) => codeOf(vault.rotateNow(reference)),
  refresh: (vault) => codeOf(vault.refresh(reference)),
  revokePrevious: (vault) => codeOf(vault.revokePrevious(reference)),
  rollBack: (vault) => codeOf(vault.rollBack(reference)),
  rotateDue: (vault) => codeOf(vault.rotateDue()),
  reseal: (vault) => codeOf(vault.reseal()),
  storeMany: (vault) => firstCode(vault.storeMany([{ reference, material }])),
  retrieveMany: (vault) => firstCode(vault.retrieveMany([reference])),
  validateMany: (vault) => firstCode(vault.validateMany([reference])),
  deleteMany: (vault) => firstCode(vault.deleteMany([reference])),
};
const calls: readonly StorageOperation[] = ['get', 'put', 'delete', 'list', 'getMany', 'putMany', 'deleteMany'];

describe('a storage that never answers', () => {
  it.each(Object.entries(operations))('is reported after 5 seconds: %s', async (_, work) => {
    const clock = createTestClock();
    const storage = scriptedStorage(memoryStorage(), { clock });
    const vault = credentials()
      .storage(storage)
      .keys(KeyRing.generate())
      .tenant('main')
      .clock(clock)
      .rotator({ kind: 'api-key', rotate: async () => apiKey('new') })
      .refresher({ kind: 'api-key', refresh: async () => ({ status: 'refreshed', material }) })
      .build();
    for (const call of calls) storage.script(call, { hang: true }, { times: Number.POSITIVE_INFINITY });
    let code: string | undefined;
    const ended = work(vault).then((told) => (code = told));
    await clock.advance(4_999);
    expect(code).toBeUndefined();
    await clock.advance(1);
    expect(code).toMatch(/^CREDENTIAL_(STORAGE_TIMEOUT|OUTCOME_UNKNOWN)$/);
    expect(credentialErrorCodes).toContain(await ended);
    expect(clock.pending()).toBe(0);
  });

  it('is one for every operation that reaches the storage', () => {
    const vault = credentials().storage(memoryStorage()).keys(KeyRing.generate()).tenant('main').build();
    const others = ['within', 'asAdministrator', 'auditRecords', 'statistics', 'clearCache', 'clearCacheFor', 'close'];
    expect(Object.keys(vault).toSorted()).toEqual([...Object.keys(operations), ...others].toSorted());
  });
});
