// A process of its own: applies migrations to a database that others migrate too, and prints what it applied.
import { openDatabase, type MigrationSet } from '@tenon/database';

const set: MigrationSet = {
  name: 'shared',
  migrations: Array.from({ length: 12 }, (_, index) => ({
    version: index + 1,
    name: `table_${index + 1}`,
    sql: `create table shared_${index + 1} (id text); insert into shared_${index + 1} values ('once');`,
  })),
};
const database = await openDatabase({ url: process.argv[2] ?? '' });
const { applied } = await database.migrate([set]);
await database.close();
process.stdout.write(JSON.stringify(applied));
