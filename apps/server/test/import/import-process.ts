// Imports a file in a process of its own, so that a test can kill it. Prints the number of rows done after each batch.
import { runAs } from '@tenon/core';
import { openDatabase } from '@tenon/database';
import { allMigrations, importFile } from '@tenon/server';
import { importServices } from './import-fixture.ts';

/** What the process takes, as JSON in its first argument. */
export interface ImportProcessOptions {
  readonly database: { readonly url: string } | { readonly dataDir: string };
  readonly tenant: string;
  readonly file: string;
  readonly rejectsFile: string;
  readonly batchSize: number;
}

const { database: target, tenant, ...options } = JSON.parse(process.argv[2] ?? '') as ImportProcessOptions;
const database = await openDatabase(target);
await database.migrate(allMigrations());
const services = importServices(database);
await runAs({ tenant, actor: { type: 'system', id: 'test' } }, () =>
  importFile({
    services,
    kind: 'products',
    ...options,
    onProgress: ({ rows }) => void process.stdout.write(`${rows}\n`),
  }),
);
await database.close();
