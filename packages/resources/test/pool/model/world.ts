import { createTestClock, type TestClock } from '@tenon/core/testing';
import { createPool, type Lease, type Pool, type PoolOptions } from '@tenon/resources';
import { ScriptedHooks, type HookShape, type Thing } from './scripted-hooks.ts';

/** A call of acquire. */
export interface Asked {
  state: 'waiting' | 'lease' | 'refused';
  readonly controller: AbortController;
}

/** What the commands of the model work on. */
export class World {
  readonly clock: TestClock = createTestClock();
  readonly hooks: ScriptedHooks;
  readonly pool: Pool<Thing>;
  readonly asked: Asked[] = [];
  readonly held: Lease<Thing>[] = [];
  readonly background: Promise<unknown>[] = [];
  /** Never more than this; after a smaller max, never more than before. */
  bound: number;
  isRevoked = false;

  constructor(options: Omit<PoolOptions<Thing>, 'name' | 'create' | 'destroy'>, shape: HookShape) {
    this.hooks = new ScriptedHooks(shape);
    const random = (): number => 0.5;
    this.pool = createPool({ name: 'model', clock: this.clock, random, ...options, ...this.hooks.options() });
    this.bound = options.max ?? 10;
  }

  ask(timeoutMs: number): void {
    const asked: Asked = { state: 'waiting', controller: new AbortController() };
    this.asked.push(asked);
    const { signal } = asked.controller;
    this.background.push(
      this.pool.acquire({ signal, timeoutMs }).then(
        (lease) => {
          asked.state = 'lease';
          this.hold(lease);
        },
        () => {
          asked.state = 'refused';
        },
      ),
    );
  }

  hold(lease: Lease<Thing>): void {
    if (!this.isRevoked) {
      const { value } = lease;
      if (value.destroyCalls > 0) throw new Error(`thing ${value.id} was lent after its destruction`);
      const others = this.held.filter((other) => !other.released);
      if (others.some((other) => other.value === value)) throw new Error(`thing ${value.id} was lent twice`);
    }
    this.held.push(lease);
  }

  /** What must hold after every step. */
  check(): void {
    const { waiting, idle, active, creating, checking, destroying, state, max } = this.pool.statistics();
    const taken = this.hooks.taken();
    this.bound = Math.max(max, Math.min(this.bound, taken));
    if (taken > this.bound) throw new Error(`${taken} are alive or being made, ${this.bound} are allowed`);
    if (waiting > creating + checking && idle > 0) throw new Error(`${waiting} wait beside ${idle} idle instances`);
    if (idle > 0 && state !== 'open') throw new Error(`a pool that is ${state} keeps idle instances`);
    const isHopeless = active + creating + checking + destroying === 0 && this.clock.pending() === 0;
    if (waiting > 0 && isHopeless) throw new Error(`${waiting} wait for nothing`);
    const calls = { create: creating, check: checking, destroy: destroying };
    for (const [kind, count] of Object.entries(calls)) {
      // Those that were given up do not count any more, and destroying what came too late takes no place.
      const open = this.hooks.open.filter((call) => call.kind === kind && !call.signal.aborted && !call.isLate).length;
      if (open !== count) throw new Error(`${count} calls of ${kind} are counted, ${open} are open`);
    }
    for (const { id, destroyCalls } of this.hooks.things) {
      if (destroyCalls > 1) throw new Error(`thing ${id} was destroyed ${destroyCalls} times`);
    }
  }

  /** Lets everything come to its end, and looks at what is left. */
  async end(): Promise<void> {
    await this.#settle(() => this.asked.every(({ state }) => state !== 'waiting'), 'acquires');
    let isClosed = false;
    const closing = this.pool.close({ timeoutMs: 10 }).then((report) => {
      isClosed = true;
      return report;
    });
    await this.#settle(() => isClosed && this.hooks.open.length === 0, 'close');
    await Promise.all([...this.background, closing]);
    const { active, size, waiting } = this.pool.statistics();
    if (active + size + waiting > 0) throw new Error('something is left in a closed pool');
    for (const { id, destroyCalls } of this.hooks.things) {
      if (destroyCalls !== 1) throw new Error(`thing ${id} was destroyed ${destroyCalls} times`);
    }
    if (this.clock.pending() > 0) throw new Error(`${this.clock.pending()} timers are left`);
  }

  async #settle(isReached: () => boolean, what: string): Promise<void> {
    for (let round = 0; round < 200; round += 1) {
      for (const lease of this.held.splice(0)) lease.release();
      for (const call of this.hooks.open.slice()) call.succeed();
      await turn();
      this.check();
      if (isReached()) return;
      await this.clock.advance(50);
    }
    throw new Error(`${what} did not come to an end`);
  }
}

/** Lets promises continue. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
