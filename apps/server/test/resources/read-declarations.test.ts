import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isCodedError, silentLogger } from '@tenon/core';
import { openDeclaredResources } from '@tenon/server/composition';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tenon-resources-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const vault = { retrieve: () => Promise.resolve(undefined) };
const open = (content: object | string, environment: Record<string, string> = {}) => {
  const path = join(folder, 'resources.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return openDeclaredResources({ path, environment, vault, logger: silentLogger });
};
const problemsOf = async (content: object | string, environment?: Record<string, string>): Promise<string> => {
  try {
    await open(content, environment);
  } catch (error) {
    if (isCodedError(error, 'RESOURCES_INVALID')) return JSON.stringify(error.details['problems']);
    throw error;
  }
  throw new Error('nothing is wrong with it');
};
const site = (settings: object, more: object = {}) => ({
  resources: { site: { technology: 'http', settings, ...more } },
});
const settingsOf = async (content: object, environment: Record<string, string> = {}): Promise<unknown> => {
  const { resources } = await open(content, environment);
  const config = resources.named('site')?.definition.config;
  await resources.close();
  return config;
};

describe('a file that declares resources', () => {
  it('makes tokens of every technology, and connects to nothing', async () => {
    const { resources } = await open({
      resources: {
        db: { technology: 'postgres', settings: { url: 'postgresql://127.0.0.1:1/orders' }, pool: { max: 3 } },
        legacy: { technology: 'mysql', settings: { url: 'mysql://127.0.0.1:1/legacy' } },
        sessions: { technology: 'redis', settings: { url: 'redis://127.0.0.1:1' } },
        hot: { technology: 'memory-cache' },
        site: { technology: 'http', settings: { baseUrl: 'https://example.com' } },
      },
    });
    expect(resources.tokens().map(({ name, technology }) => `${name} ${technology}`)).toEqual([
      'db postgres',
      'legacy mysql',
      'sessions redis',
      'hot memory-cache',
      'site http',
    ]);
    expect(resources.list()).toEqual([]);
    await resources.close();
  });

  it('takes variables of the environment, or what stands behind a colon, in every text of the settings', async () => {
    const settings = { baseUrl: 'https://${HOST}:${PORT:8443}/${PATH_OF:}', headers: { 'x-region': '${REGION}' } };
    expect(await settingsOf(site(settings), { HOST: 'api.example', REGION: 'eu' })).toMatchObject({
      baseUrl: 'https://api.example:8443/',
      headers: { 'x-region': 'eu' },
    });
  });

  it('names a variable that is not set, one that is malformed, and those called like secrets', async () => {
    const problems = await problemsOf(
      site({ baseUrl: 'https://${HOST}/${db_PASS}', userAgent: '${API_TOKEN:x} ${TENON_KEYS} ${DB_PASSWORD}' }),
      { API_TOKEN: 'canary', TENON_KEYS: 'canary', DB_PASSWORD: 'canary' },
    );
    for (const part of ['/resources/site/settings/baseUrl', 'HOST', 'API_TOKEN', 'TENON_KEYS', 'DB_PASSWORD', 'form']) {
      expect(problems).toContain(part);
    }
    expect(problems).not.toContain('canary');
  });

  it('puts no variable into a setting that is a secret', async () => {
    expect(await problemsOf(site({ headers: { 'x-api-token': '${REGION}' } }), { REGION: 'eu' })).toContain(
      'is a secret',
    );
  });

  it.each([
    ['{"resources": {', 'not JSON'],
    [{ resources: { Site: { technology: 'http' } } }, '/resources'],
    [{ resources: { site: {} } }, '/resources/site'],
    [{ resources: { site: { technology: 'gopher' } } }, 'memory-cache'],
    [{ resources: { site: { technology: 'constructor' } } }, 'memory-cache'],
    [{ resources: { site: { technology: '__proto__' } } }, 'memory-cache'],
    [{ resources: { hot: { technology: 'memory-cache', settings: { isolation: 'tennant' } } } }, 'isolation'],
    ['{"resources":{"hot":{"technology":"memory-cache","settings":{"__proto__":{"ttlMs":1}}}}}', '/resources/hot'],
    ['{"resources":{"db":{"technology":"postgres","credentials":{"toString":{"id":"x"}}}}}', 'toString is no slot'],
    [
      '{"resources":{"hot":{"technology":"memory-cache","tenants":{"a":{"credentials":{"toString":{"id":"x"}}}}}}}',
      'no slot',
    ],
    [{ resources: { site: { technology: 'http', sttings: {} } } }, '/resources/site'],
    [{ resources: { site: { technology: 'http', settings: { timeoutMs: 'canary' } } } }, 'timeoutMs'],
    [{ resources: { db: { technology: 'postgres', settings: { url: 'http://canary' } } } }, '/resources/db'],
    [{ resources: { db: { technology: 'postgres', credentials: { nothing: { id: 'x' } } } } }, '/resources/db'],
  ])('that is wrong is refused whole, without the values: %o', async (content, part) => {
    const problems = await problemsOf(content);
    expect(problems).toContain(part);
    expect(problems).not.toContain('canary');
  });

  it('that cannot be read is refused', async () => {
    const path = join(folder, 'nothing.json');
    await expect(openDeclaredResources({ path, environment: {}, vault, logger: silentLogger })).rejects.toMatchObject({
      code: 'RESOURCES_INVALID',
    });
  });

  it('says what is different for a tenant', async () => {
    const { resources } = await open({
      resources: {
        hot: {
          technology: 'memory-cache',
          settings: { maxEntries: 10 },
          tenants: { acme: { settings: { maxEntries: 20 } } },
        },
      },
    });
    const token = resources.named('hot');
    if (token === undefined) throw new Error('it is not declared');
    for (const tenant of ['acme', 'other']) await resources.use(token, () => undefined, { tenant });
    const entries = (tenant: string) => resources.list({ scope: { tenant } })[0]?.config['maxEntries'];
    expect([entries('acme'), entries('other')]).toEqual([20, 10]);
    await resources.close();
  });
});

describe('reading it again', () => {
  it('adds, changes and takes away, and touches nothing that is the same', async () => {
    const cache = (maxEntries: number) => ({ technology: 'memory-cache', settings: { maxEntries } });
    const declared = await open({ resources: { one: cache(1), two: cache(2), three: cache(3) } });
    const one = declared.resources.named('one');
    writeFileSync(
      join(folder, 'resources.json'),
      JSON.stringify({ resources: { one: cache(1), two: cache(20), four: cache(4) } }),
    );
    expect(await declared.reload()).toEqual(['four', 'three', 'two']);
    expect(declared.resources.named('one')).toBe(one);
    expect(declared.resources.tokens().map(({ name }) => name)).toEqual(['one', 'two', 'four']);
    expect(declared.resources.named('two')?.definition.config).toMatchObject({ maxEntries: 20 });
    expect(await declared.reload()).toEqual([]);
    await declared.resources.close();
  });

  it('changes nothing when the file is wrong', async () => {
    const declared = await open({ resources: { one: { technology: 'memory-cache' } } });
    writeFileSync(join(folder, 'resources.json'), JSON.stringify({ resources: { two: { technology: 'gopher' } } }));
    await expect(declared.reload()).rejects.toMatchObject({ code: 'RESOURCES_INVALID' });
    expect(declared.resources.tokens().map(({ name }) => name)).toEqual(['one']);
    await declared.resources.close();
  });
});
