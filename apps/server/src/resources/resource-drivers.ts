import type { ResourceToken } from '@tenon/resources';

/** Makes a token from what a file declares. The driver checks it. */
export type ResourceDriver = (name: string, options: Readonly<Record<string, unknown>>) => ResourceToken;

/**
 * The technologies that can be declared. Each driver is loaded when something asks for it: the library beneath it need not be
 * there otherwise.
 */
const drivers: Readonly<Record<string, () => Promise<ResourceDriver>>> = {
  http: async () => asDriver((await import('@tenon/resources/drivers/http')).http),
  'memory-cache': async () => asDriver((await import('@tenon/resources/drivers/memory-cache')).memoryCache),
  mysql: async () => asDriver((await import('@tenon/resources/drivers/mysql')).mysql),
  postgres: async () => asDriver((await import('@tenon/resources/drivers/postgres')).postgres),
  redis: async () => asDriver((await import('@tenon/resources/drivers/redis')).redis),
};

// What a file holds has no type before the driver has looked at it.
const asDriver =
  <Options>(driver: (name: string, options: Options) => ResourceToken): ResourceDriver =>
  (name, options) =>
    driver(name, options as Options);

/** The names of the technologies that can be declared. */
export const technologies: readonly string[] = Object.keys(drivers);

/** The driver of a technology, loaded now; `undefined` when there is none. */
export async function loadDriver(technology: string): Promise<ResourceDriver | undefined> {
  // A file may name anything, what every object has among it.
  return Object.hasOwn(drivers, technology) ? drivers[technology]?.() : undefined;
}
