// A process of its own: opens a data directory, says so or why not, and keeps it until its standard input ends.
import { openDatabase } from '@tenon/database';
import { isCodedError } from '@tenon/core';
import { sql } from 'kysely';

try {
  const database = await openDatabase({ dataDir: process.argv[2] ?? '' });
  await database.migrate([]);
  process.stdout.write('open\n');
  for await (const line of process.stdin) {
    const { rows } = await database.withSystem('test', (tx) =>
      sql<{ text: string }>`select ${String(line).trim()} as text`.execute(tx),
    );
    process.stdout.write(`${rows[0]?.text ?? ''}\n`);
  }
  await database.close();
} catch (error) {
  process.stdout.write(
    `${JSON.stringify(isCodedError(error) ? { code: error.code, message: error.message, details: error.details } : String(error))}\n`,
  );
  process.exitCode = 1;
}
