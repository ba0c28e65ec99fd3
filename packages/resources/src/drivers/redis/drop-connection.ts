import { Cluster, type Redis } from 'ioredis';

/**
 * Ends a client at once. `disconnect` alone says good-bye and waits for the other side to do the same, which a side that is gone never
 * does: the socket would stay open.
 */
export function dropConnection(client: Redis | Cluster): void {
  const all = client instanceof Cluster ? client.nodes('all') : [client];
  client.disconnect();
  for (const { stream } of all) stream?.destroy();
}
