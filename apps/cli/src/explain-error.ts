import { isCodedError, type CodedError } from '@tenon/core';
import type { Environment } from '@tenon/server';

// What a command line can say beyond the message of the package that failed.
const advice: Readonly<Record<string, string>> = {
  DATABASE_DIRECTORY_LOCKED:
    'The embedded database serves one process at a time, most likely a running server. Stop the server, run this again and start it afterwards; or use PostgreSQL (TENON_DATABASE_URL), which server and commands can share.',
  DATABASE_UNAVAILABLE: 'Check TENON_DATABASE_URL and that the server runs: "tenon doctor" tells more.',
  DATABASE_ACCESS_DENIED: 'Check user, password and database name in TENON_DATABASE_URL.',
  TENANT_NOT_FOUND: '"tenon tenant list" shows the tenants that exist.',
  CREDENTIAL_NOT_FOUND: '"tenon credential list --scope SCOPE" shows those that exist.',
  CREDENTIAL_UNREADABLE:
    'Put its key back behind the others (TENON_KEYS, or the keys file), and run "tenon keys reseal"; or store it anew.',
  SETTINGS_INVALID: '"tenon settings" explains every setting.',
};

/** An error for the person at the terminal: `CODE: message`, what to do, and the stack only where TENON_LOG_LEVEL is `debug`. */
export function explainError(error: Error, environment: Environment): string {
  const isDebugging = environment['TENON_LOG_LEVEL'] === 'debug';
  const lines = isCodedError(error)
    ? [`${error.code}: ${error.message}`, ...problemsOf(error), advice[error.code]]
    : [`UNEXPECTED: ${error.message}`, isDebugging ? undefined : 'TENON_LOG_LEVEL=debug shows where it comes from.'];
  if (isDebugging) lines.push(...stacksOf(error));
  return lines.filter((line) => line !== undefined).join('\n');
}

/** The problems of an input that was refused, as far as the message does not tell them. */
function problemsOf({ message, details }: CodedError): readonly string[] {
  const { problems } = details;
  if (!Array.isArray(problems)) return [];
  return (problems as readonly { readonly path?: unknown; readonly message?: unknown }[]).flatMap((problem) => {
    if (typeof problem.path !== 'string' || typeof problem.message !== 'string') return [];
    return problems.length === 1 && message.includes(problem.message)
      ? []
      : [`  ${problem.path.slice(1)}: ${problem.message}`];
  });
}

function stacksOf(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [];
  return [error.stack ?? error.message, ...stacksOf(error.cause)];
}
