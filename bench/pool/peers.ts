import { createRequire } from 'node:module';
import { createPool } from '@tenon/resources';

/** One borrowing: waits for an instance and gives it back. */
export type Cycle = () => Promise<void>;

/** A pool of instances that cost nothing. */
export interface Contestant {
  readonly cycle: Cycle;
  /** Only waits for an instance; the returned function gives it back. */
  readonly acquire: () => Promise<() => void>;
  close(): Promise<unknown>;
}

// What is measured of each. They are loaded when the bench runs, as no other part of the repository needs them.
interface GenericPool {
  createPool(
    factory: { create(): Promise<object>; destroy(): Promise<void> },
    options: { readonly max: number },
  ): { acquire(): PromiseLike<object>; release(instance: object): PromiseLike<void>; drain(): PromiseLike<void> };
}
interface Tarn {
  readonly Pool: new (options: {
    create(): Promise<object>;
    destroy(): Promise<void>;
    readonly min: number;
    readonly max: number;
  }) => {
    acquire(): { readonly promise: Promise<object> };
    release(instance: object): boolean;
    destroy(): Promise<unknown>;
  };
}
interface LightningPool {
  createPool(
    factory: { create(): Promise<object>; destroy(): Promise<void> },
    options: { readonly max: number },
  ): { acquire(): Promise<object>; release(instance: object): void; close(force: boolean): Promise<void> };
}

const factory = { create: async () => ({}), destroy: async () => undefined };

/** Our pool and three others, each of the same size. */
export function createContestants(
  max: number,
): Record<'ours' | 'generic-pool' | 'tarn' | 'lightning-pool', Contestant> {
  const load = createRequire(import.meta.url);
  const ours = createPool<object>({ name: 'bench', max, ...factory });
  const generic = (load('generic-pool') as GenericPool).createPool(factory, { max });
  const tarn = new (load('tarn') as Tarn).Pool({ ...factory, min: 0, max });
  const lightning = (load('lightning-pool') as LightningPool).createPool(factory, { max });
  return {
    ours: {
      async cycle() {
        const lease = await ours.acquire();
        lease.release();
      },
      async acquire() {
        const lease = await ours.acquire();
        return () => lease.release();
      },
      close: () => ours.close(),
    },
    'generic-pool': {
      async cycle() {
        const instance = await generic.acquire();
        void generic.release(instance);
      },
      async acquire() {
        const instance = await generic.acquire();
        return () => void generic.release(instance);
      },
      close: async () => generic.drain(),
    },
    tarn: {
      async cycle() {
        const instance = await tarn.acquire().promise;
        tarn.release(instance);
      },
      async acquire() {
        const instance = await tarn.acquire().promise;
        return () => void tarn.release(instance);
      },
      close: () => tarn.destroy(),
    },
    'lightning-pool': {
      async cycle() {
        const instance = await lightning.acquire();
        lightning.release(instance);
      },
      async acquire() {
        const instance = await lightning.acquire();
        return () => lightning.release(instance);
      },
      close: () => lightning.close(true),
    },
  };
}

/** Lets so many workers do so many cycles in all. */
export async function work(cycle: Cycle, workers: number, cycles: number): Promise<void> {
  const share = Math.ceil(cycles / workers);
  await Promise.all(
    Array.from({ length: workers }, async () => {
      for (let done = 0; done < share; done += 1) await cycle();
    }),
  );
}
