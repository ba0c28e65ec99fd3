import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sqlContract } from '@tenon/resources/testing';
import { openMysqlDatabase } from './mysql-database.ts';

const url = process.env['TENON_TEST_MYSQL_URL'];

describe.skipIf(url === undefined)('the driver for MySQL, on MariaDB (skipped without TENON_TEST_MYSQL_URL)', () => {
  let database: Awaited<ReturnType<typeof openMysqlDatabase>>;
  beforeAll(async () => {
    database = await openMysqlDatabase(url ?? '');
  });
  afterAll(() => database[Symbol.asyncDispose]());

  it.each(sqlContract(() => database))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
