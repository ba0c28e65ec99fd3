import { Secret } from '@tenon/core';
import { codeOf, failureOf } from '@tenon/core/testing';
import { apiKey, basic, CredentialMaterial, defineKind, type CredentialKind } from '@tenon/credentials';
import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { openVault } from '../vault/support/open-vault.ts';

const reference = { scope: 'org:acme', id: 'mail' };

const smtp = defineKind({
  name: 'smtp',
  schema: Type.Object({
    host: Type.String({ minLength: 1 }),
    password: Type.String(),
    until: Type.Optional(Type.String()),
  }),
  from: (host: string, password: string, until?: Date) => ({
    host,
    password,
    ...(until === undefined ? {} : { until: until.toISOString() }),
  }),
  secret: ({ password }) => password,
  value: ({ host, password }) => ({ host, login: new Secret(`PLAIN ${password}`) }),
  expiresAt: ({ until }) => (until === undefined ? undefined : new Date(until)),
});

const openWithSmtp = () => openVault({ build: (builder) => builder.kind(smtp) });

describe("a kind of one's own", () => {
  it('is stored and handed out like the built-in ones, with further secrets wrapped', async () => {
    const { vault, clock } = openWithSmtp();
    const until = new Date(clock.now() + 1_000);
    const info = await vault.store(reference, smtp('mail.acme.example', 'hunter2', until));
    expect(info).toMatchObject({ kind: 'smtp', expiresAt: until });
    const mail = await vault.retrieve(reference, { kind: smtp });
    expect(mail?.secret.reveal()).toBe('hunter2');
    expect(mail?.value.host).toBe('mail.acme.example');
    expect(mail?.value.login.reveal()).toBe('PLAIN hunter2');
    expect(JSON.stringify(mail)).not.toContain('hunter2');
  });

  it('leaves the built-in ones in place', async () => {
    const { vault } = openWithSmtp();
    await vault.store(reference, basic('ada', 'x'));
    expect((await vault.retrieve(reference, { kind: basic }))?.value.username).toBe('ada');
  });

  it('that the vault was not told of is refused when storing, and material of it cannot be opened', async () => {
    const { vault, storage, ring } = openVault();
    const failure = await failureOf(vault.store(reference, smtp('host', 'hunter2')));
    expect(failure).toMatchObject({ code: 'CREDENTIAL_KIND_UNKNOWN', details: { kind: 'smtp' } });
    expect(failure.message).toContain('kind()');
    expect(storage.calls).toEqual([]);

    const knows = openVault({ storage, ring, build: (builder) => builder.kind(smtp) });
    await knows.vault.store(reference, smtp('host', 'hunter2'));
    expect(await failureOf(vault.retrieve(reference))).toMatchObject({
      code: 'CREDENTIAL_KIND_UNKNOWN',
      details: { kind: 'smtp', ...reference },
    });
    expect(await vault.inspect(reference)).toMatchObject({ kind: 'smtp' });
    expect(await vault.validate(reference)).toMatchObject({ status: 'invalid' });
    expect(await vault.delete(reference)).toBe(true);
  });

  it('is what is expected, or the credential is not handed out', async () => {
    const { vault, audited } = openWithSmtp();
    await vault.store(reference, apiKey('x'));
    expect(await failureOf(vault.retrieve(reference, { kind: smtp }))).toMatchObject({
      code: 'CREDENTIAL_KIND_MISMATCH',
      details: { ...reference, kind: 'api-key', expected: 'smtp' },
    });
    expect(audited.at(-1)).toMatchObject({ outcome: 'failed', details: { code: 'CREDENTIAL_KIND_MISMATCH' } });
    expect((await vault.retrieve(reference, { kind: apiKey }))?.kind).toBe('api-key');
  });

  it.each<[string, Partial<typeof smtp.definition>]>([
    ['secret', { secret: () => fail() }],
    ['value', { value: () => fail() }],
    ['expiresAt', { expiresAt: () => fail() }],
  ])('whose %s throws does not say what it was given, and stores nothing', async (name, part) => {
    const broken = defineKind({
      name: 'broken',
      schema: Type.Object({ key: Type.String() }),
      from: (key: string) => ({ key }),
      secret: ({ key }) => key,
      value: () => ({}),
      ...(Object.fromEntries([[name, part[name as keyof typeof part]]]) as object),
    });
    const { vault, storage } = openVault({ build: (builder) => builder.kind(broken) });
    const failure = await failureOf(vault.store(reference, broken('hunter2')));
    expect(failure).toMatchObject({ code: 'CREDENTIAL_INVALID', details: { kind: 'broken' } });
    expect(`${failure.stack}${String(failure.cause)}`).not.toContain('hunter2');
    expect(storage.calls).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['a secret that is no text', { secret: () => 5 }],
    ['an end that is no date', { expiresAt: () => new Date(Number.NaN) }],
    ['material that is no data', { from: () => 'text' }],
  ])('with %s stores nothing', async (_, part) => {
    const broken = defineKind({
      name: 'broken',
      schema: Type.Object({ key: Type.String() }),
      from: (key: string) => ({ key }),
      secret: ({ key }) => key,
      value: () => ({}),
      ...(part as object),
    });
    const { vault } = openVault({ build: (builder) => builder.kind(broken) });
    expect(await codeOf(vault.store(reference, broken('x')))).toBe('CREDENTIAL_INVALID');
  });

  it('may hold dates and lists: what is checked is what JSON makes of them', async () => {
    const dated = defineKind({
      name: 'dated',
      schema: Type.Object({ key: Type.String(), at: Type.String(), hosts: Type.Array(Type.String()) }),
      from: (key: string, at: Date) => ({ key, at: at as never, hosts: ['a', 'b'] }),
      secret: ({ key }) => key,
      value: ({ at, hosts }) => ({ at, hosts }),
    });
    const { vault } = openVault({ build: (builder) => builder.kind(dated) });
    await vault.store(reference, dated('x', new Date(0)));
    expect((await vault.retrieve(reference))?.value).toEqual({ at: '1970-01-01T00:00:00.000Z', hosts: ['a', 'b'] });
  });

  it.each(['a', '0', 'x'.repeat(64), 'my-kind-2'])('may be called %s', (name) => {
    expect(defineKind({ ...definition, name }).definition.name).toBe(name);
  });

  it.each(['', 'x'.repeat(65), 'Kind', 'my_kind', 'a b', 'a|b', 'ä', undefined, 7])(
    'may not be called %s',
    async (name) => {
      expect(await codeOf(() => defineKind({ ...definition, name: name as string }))).toBe(
        'CREDENTIALS_OPTIONS_INVALID',
      );
    },
  );

  it('of the name of another is refused by the builder, the same one twice is not', async () => {
    const impostor = defineKind({ ...definition, name: 'api-key' });
    const build = (...kinds: readonly CredentialKind[]) =>
      openVault({ build: (builder) => kinds.reduce((all, kind) => all.kind(kind), builder) });
    expect(await codeOf(() => build(impostor))).toBe('CREDENTIALS_OPTIONS_INVALID');
    expect(await codeOf(() => build(smtp, defineKind({ ...definition, name: 'smtp' })))).toBe(
      'CREDENTIALS_OPTIONS_INVALID',
    );
    expect(await codeOf(() => build(smtp, smtp, apiKey))).toBe('none');
  });
});

describe('material made by hand', () => {
  it('is stored as what a kind makes', async () => {
    const { vault } = openVault();
    await vault.store(reference, new CredentialMaterial('basic', { username: 'ada', password: 'x' }));
    expect((await vault.retrieve(reference, { kind: basic }))?.value).toEqual({ username: 'ada' });
  });

  it('of a kind that there is not is refused', async () => {
    for (const kind of ['', 'no-such-kind', '__proto__', 'constructor', 'x'.repeat(1_000)]) {
      const failure = await failureOf(openVault().vault.store(reference, new CredentialMaterial(kind, {})));
      expect(failure.code).toBe('CREDENTIAL_KIND_UNKNOWN');
      expect(failure.message.length).toBeLessThan(300);
    }
  });
});

const definition = {
  schema: Type.Object({ key: Type.String() }),
  from: (key: string) => ({ key }),
  secret: ({ key }: { readonly key: string }) => key,
  value: () => ({}),
};

function fail(): never {
  throw new Error('could not read hunter2', { cause: 'hunter2' });
}
