// A process of its own: writes rows without end, and names each one only after it was committed.
import { writeSync } from 'node:fs';
import { openDatabase } from '@tenon/database';
import { widgetMigrations, type WidgetTables } from '../widgets.ts';

const opened = await openDatabase({ dataDir: process.argv[2] ?? '' });
await opened.migrate([widgetMigrations]);
const database = opened.withTables<WidgetTables>();
for (let index = 0; ; index += 1) {
  const id = `${process.pid}-${index}`;
  await database.withSystem('test', (tx) =>
    tx.insertInto('widgets').values({ tenant_id: 'acme', id, name: id, size: 1 }).execute(),
  );
  writeSync(1, `${id}\n`);
}
