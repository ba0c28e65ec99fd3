import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sqlContract } from '@tenon/resources/testing';
import { openPostgresDatabase } from './postgres-database.ts';

const url = process.env['TENON_TEST_POSTGRES_URL'];

describe.skipIf(url === undefined)('the driver for PostgreSQL (skipped without TENON_TEST_POSTGRES_URL)', () => {
  let database: Awaited<ReturnType<typeof openPostgresDatabase>>;
  beforeAll(async () => {
    database = await openPostgresDatabase(url ?? '');
  });
  afterAll(() => database[Symbol.asyncDispose]());

  it.each(sqlContract(() => database))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
