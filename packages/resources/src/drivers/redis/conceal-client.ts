import { inspect } from 'node:util';
import type { Cluster, Redis } from 'ioredis';

/**
 * Has a client show where it leads and how it is, and nothing else, wherever it is printed or logged. It keeps its password, as it needs that to
 * reconnect, in several places at that.
 */
export function concealClient(client: Redis | Cluster): void {
  const show = (): object => {
    const { status } = client;
    if (!('host' in client.options)) return { status };
    const { host, port } = client.options;
    return { host, port, status };
  };
  const properties = {
    [inspect.custom]: { value: () => `Redis ${inspect(show())}` },
    toJSON: { value: show },
  };
  Object.defineProperties(client, properties);
}
