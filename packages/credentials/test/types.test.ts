import type { Secret } from '@tenon/core';
import {
  apiKey,
  basic,
  certificate,
  credentials,
  database,
  defineKind,
  keyPair,
  oauth2,
  signingKey,
  type BatchItem,
  type BatchResult,
  type Credential,
  type CredentialErrorCode,
  type CredentialInfo,
  type CredentialKind,
  type CredentialMaterial,
  type CredentialsBuilder,
  type CredentialVault,
  type CredentialView,
  type OAuth2Value,
  type StoreOptions,
  type Validation,
} from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { KeyRing } from '@tenon/crypto';
import { Type } from 'typebox';
import { expect, expectTypeOf, test } from 'vitest';

const reference = { scope: 'org:acme', id: 'key' };
const smtp = defineKind({
  name: 'smtp',
  schema: Type.Object({ host: Type.String(), password: Type.String() }),
  from: (host: string, password: string) => ({ host, password }),
  secret: ({ password }) => password,
  value: ({ host }) => ({ host }),
});

test('a vault cannot be built before it has storage and keys', () => {
  const storage = memoryStorage();
  const keys = KeyRing.generate();
  expectTypeOf(credentials()).not.toHaveProperty('build');
  expectTypeOf(credentials().storage(storage)).not.toHaveProperty('build');
  expectTypeOf(credentials().keys(keys)).not.toHaveProperty('build');
  expectTypeOf(credentials().cacheTtl(1).tenant('main').batchConcurrency(5)).not.toHaveProperty('build');
  expectTypeOf(credentials().storage(storage).keys(keys)).toHaveProperty('build');
  expectTypeOf(credentials().keys(keys).storage(storage).build()).toEqualTypeOf<CredentialVault>();
  expectTypeOf(credentials().keys(keys).cacheTtl(1).storage(storage).cacheMaxEntries(5)).toHaveProperty('build');
  // @ts-expect-error there is no storage
  expect(() => credentials().keys(keys).build()).toThrow(/storage/);
  // @ts-expect-error there are no keys
  expect(() => credentials().storage(storage).build()).toThrow(/keys/);
  // @ts-expect-error there is neither
  expect(() => credentials().build()).toThrow(/storage/);
});

test('each step gives a builder that remembers what it has', () => {
  const both: CredentialsBuilder<true, true> = credentials().storage(memoryStorage()).keys(KeyRing.generate());
  expectTypeOf(both.tenant('a')).toEqualTypeOf<CredentialsBuilder<true, true>>();
  expectTypeOf(both.cache({}).kind(smtp).kind(apiKey).kind(basic)).toEqualTypeOf<CredentialsBuilder<true, true>>();
  expectTypeOf(credentials().storage(memoryStorage())).toEqualTypeOf<CredentialsBuilder<true>>();
  expectTypeOf(credentials().keys(KeyRing.generate())).toEqualTypeOf<CredentialsBuilder<false, true>>();
  // @ts-expect-error keys are no storage
  void (() => credentials().storage(KeyRing.generate()));
  // @ts-expect-error a storage is no keys
  void (() => credentials().keys(memoryStorage()));
  // @ts-expect-error a number is asked for
  void (() => credentials().batchConcurrency('ten'));
  // @ts-expect-error there is no such eviction
  void (() => credentials().cache({ eviction: 'random' }));
  // @ts-expect-error there is no such mode
  void (() => both.audit({ audit: { append: async () => undefined, query: async () => [] }, mode: 'sometimes' }));
});

test('what comes back is typed by the kind that was asked for', () => {
  const check = async (view: CredentialView): Promise<void> => {
    expectTypeOf(await view.retrieve(reference)).toEqualTypeOf<Credential | undefined>();
    expectTypeOf((await view.retrieve(reference, { kind: basic }))?.value).toEqualTypeOf<
      { readonly username: string } | undefined
    >();
    expectTypeOf((await view.retrieve(reference, { kind: oauth2 }))?.value).toEqualTypeOf<OAuth2Value | undefined>();
    expectTypeOf((await view.retrieve(reference, { kind: smtp }))?.value.host).toEqualTypeOf<string | undefined>();
    expectTypeOf((await view.retrieve(reference, { kind: certificate }))?.value.privateKey).toEqualTypeOf<
      Secret | undefined
    >();
    expectTypeOf((await view.retrieve(reference))?.secret).toEqualTypeOf<Secret | undefined>();
    const many = await view.retrieveMany([reference], { kind: database });
    expectTypeOf(many.orThrow()[0]?.value.port).toEqualTypeOf<number | undefined>();
    // @ts-expect-error a basic login has no host
    void (await view.retrieve(reference, { kind: basic }))?.value.host;
    // @ts-expect-error a consumer never receives the refresh token
    void (await view.retrieve(reference, { kind: oauth2 }))?.value.refreshToken;
    // @ts-expect-error the password is the secret, and not beside it
    void (await view.retrieve(reference, { kind: database }))?.value.password;
    // @ts-expect-error batches have no versions
    void view.retrieveMany([reference], { version: 1 });
  };
  expectTypeOf(check).toBeFunction();
});

test('a kind is called with what it is made of', () => {
  expectTypeOf(apiKey).parameters.toEqualTypeOf<[key: Secret | string]>();
  expectTypeOf(basic).returns.toEqualTypeOf<CredentialMaterial>();
  expectTypeOf(keyPair).parameter(1).toEqualTypeOf<string | undefined>();
  expectTypeOf(signingKey).parameter(0).toEqualTypeOf<string>();
  expectTypeOf(smtp).toExtend<CredentialKind<{ host: string }, [string, string]>>();
  expectTypeOf(smtp).toExtend<CredentialKind>();
  // @ts-expect-error a password is missing
  void (() => basic('ada'));
  // @ts-expect-error a host is text
  void (() => smtp(5, 'x'));
  void (() =>
    defineKind({
      name: 'wrong',
      schema: Type.Object({ key: Type.String() }),
      // @ts-expect-error the schema asks for text
      from: (key: number) => ({ key }),
      secret: ({ key }) => key,
      value: () => ({}),
    }));
});

test('material cannot be had without a kind, and a secret is not stored as text', () => {
  const check = (view: CredentialView): void => {
    // @ts-expect-error text is no material
    void view.store(reference, 'ghp_1');
    // @ts-expect-error a look-alike is no material
    void view.store(reference, { kind: 'api-key', key: 'ghp_1' });
    // @ts-expect-error an id is needed
    void view.store({ scope: 'org:acme' }, apiKey('x'));
    // @ts-expect-error the tenant is never passed by hand
    void view.store({ tenant: 'other', scope: 'org:acme', id: 'key' }, apiKey('x'));
    // @ts-expect-error a scope is not something to store beside
    void view.store(reference, apiKey('x'), { scope: 'org:other' });
  };
  expectTypeOf(check).toBeFunction();
  expectTypeOf<StoreOptions>().not.toHaveProperty('scope');
  expectTypeOf<StoreOptions>().not.toHaveProperty('tenant');
});

test('results are told apart by their status', () => {
  const check = (validation: Validation, item: BatchItem<CredentialInfo>): void => {
    expectTypeOf(validation.status).toEqualTypeOf<'valid' | 'expired' | 'not-found' | 'invalid'>();
    if (validation.status === 'valid') expectTypeOf(validation.isRotationRecommended).toEqualTypeOf<boolean>();
    if (validation.status === 'expired') expectTypeOf(validation.expiredAt).toEqualTypeOf<Date>();
    if (validation.status === 'invalid') expectTypeOf(validation.reason).toEqualTypeOf<string>();
    if (validation.status === 'not-found') expectTypeOf(validation).not.toHaveProperty('expiresAt');
    if (item.ok) expectTypeOf(item.value).toEqualTypeOf<CredentialInfo>();
    else expectTypeOf(item.error.code).toEqualTypeOf<CredentialErrorCode>();
    // @ts-expect-error there is no value before one knows that it went well
    void item.value;
  };
  expectTypeOf(check).toBeFunction();
  expectTypeOf<BatchResult<boolean>['orThrow']>().returns.toEqualTypeOf<readonly boolean[]>();
});

test('a view cannot leave its scope', () => {
  expectTypeOf<CredentialView>().not.toHaveProperty('within');
  expectTypeOf<CredentialView>().not.toHaveProperty('asAdministrator');
  expectTypeOf<CredentialView>().not.toHaveProperty('close');
  expectTypeOf<CredentialVault['within']>().returns.toEqualTypeOf<CredentialView>();
  expectTypeOf<CredentialVault['asAdministrator']>().parameters.toEqualTypeOf<[reason: string]>();
});
