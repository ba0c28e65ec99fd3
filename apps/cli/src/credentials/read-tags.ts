import { cliError } from '../errors.ts';

/** Tags as the command line gives them, `env=prod` each. @throws `USAGE_INVALID` */
export function readTags(pairs: readonly string[] | undefined): Readonly<Record<string, string>> | undefined {
  if (pairs === undefined) return undefined;
  const entries = pairs.map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1) throw cliError('USAGE_INVALID', 'a --tag is written as name=value');
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
  return Object.fromEntries(entries);
}
