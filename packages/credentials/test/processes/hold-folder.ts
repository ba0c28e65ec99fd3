// A process of its own: opens a folder of credentials, says so or why not, and keeps it until its standard input ends.
import { isCodedError } from '@tenon/core';
import { fileStorage } from '@tenon/credentials/drivers/file';

try {
  const storage = fileStorage({ directory: process.argv[2] ?? '' });
  process.stdout.write('open\n');
  for await (const _ of process.stdin);
  await storage.close();
} catch (error) {
  const { code, details } = isCodedError(error) ? error : { code: String(error), details: {} };
  process.stdout.write(`${JSON.stringify({ code, details })}\n`);
  process.exitCode = 1;
}
