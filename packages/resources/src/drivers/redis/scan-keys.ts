import type { ExposeContext } from '../../definition/resource-definition.ts';
import type { RedisConnection } from './redis-connection.ts';

/** Text as a pattern that matches nothing but itself. */
export function literalPattern(text: string): string {
  return text.replaceAll(/[\\*?[\]]/g, String.raw`\$&`);
}

/** The keys below the prefix of a connection, on every node, without the prefix. */
export async function* scanKeys(
  connection: RedisConnection,
  context: ExposeContext,
  match: string,
  count: number,
): AsyncGenerator<string> {
  const { prefix } = connection;
  context.assertHeld();
  for (const node of connection.nodes()) {
    let cursor = '0';
    do {
      context.assertHeld();
      const at = cursor;
      // SCAN names no key, so that the client does not put the prefix anywhere.
      const [next, keys] = await connection.run(true, () =>
        node.scan(at, 'MATCH', literalPattern(prefix) + match, 'COUNT', count),
      );
      for (const key of keys) yield key.slice(prefix.length);
      cursor = next;
    } while (cursor !== '0');
  }
}
