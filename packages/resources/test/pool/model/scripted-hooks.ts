import type { PoolHookContext, PoolOptions } from '@tenon/resources';

/** An instance of the model. */
export interface Thing {
  readonly id: number;
  isBroken: boolean;
  destroyCalls: number;
}

/** A call of a hook that has not answered. */
export interface OpenCall {
  readonly kind: 'create' | 'destroy' | 'check';
  readonly signal: AbortSignal;
  readonly isLate: boolean;
  readonly succeed: () => void;
  readonly fail: () => void;
  /** For checks: the answer `false`. */
  readonly refuse: () => void;
}

/** Which hooks answer at once, and which there are. */
export interface HookShape {
  readonly isSynchronous: boolean;
  readonly hasValidate: boolean;
  readonly hasReset: boolean;
  readonly hasIsBroken: boolean;
}

/** Hooks whose answers the test gives one by one, and the count of what lives, taken from outside of the pool. */
export class ScriptedHooks {
  readonly things: Thing[] = [];
  readonly open: OpenCall[] = [];
  /** A thing that is alive takes a place until its destruction is over; a late one never had a place. */
  readonly placed = new Set<Thing>();
  readonly shape: HookShape;
  failsNextCreate = false;

  constructor(shape: HookShape) {
    this.shape = shape;
  }

  /** Places taken: instances, and calls of create that were not given up. */
  taken(): number {
    const creating = this.open.filter(({ kind, signal }) => kind === 'create' && !signal.aborted);
    return this.placed.size + creating.length;
  }

  options(): Pick<PoolOptions<Thing>, 'create' | 'destroy' | 'validate' | 'isBroken' | 'reset'> {
    const { shape } = this;
    return {
      create: (context) => this.#create(context),
      destroy: (thing, { signal, reason }) => this.#destroy(thing, signal, reason === 'late'),
      ...(shape.hasValidate ? { validate: (_thing, context) => this.#check(context) } : {}),
      ...(shape.hasReset ? { reset: (_thing, context) => this.#check(context) } : {}),
      ...(shape.hasIsBroken ? { isBroken: (thing: Thing) => thing.isBroken } : {}),
    };
  }

  #create({ signal }: PoolHookContext): Thing | Promise<Thing> {
    const make = (): Thing => {
      const thing = { id: this.things.length, isBroken: false, destroyCalls: 0 };
      this.things.push(thing);
      if (!signal.aborted) this.placed.add(thing);
      return thing;
    };
    if (!this.shape.isSynchronous) return this.#call('create', signal, make);
    if (this.failsNextCreate) {
      this.failsNextCreate = false;
      throw new Error('create fails');
    }
    return make();
  }

  #destroy(thing: Thing, signal: AbortSignal, isLate: boolean): void | Promise<void> {
    thing.destroyCalls += 1;
    if (isLate && this.placed.has(thing)) throw new Error('a late thing had a place');
    const gone = (): void => void this.placed.delete(thing);
    // Out of time: its place is free, although nobody knows whether it lives.
    signal.addEventListener('abort', gone);
    if (this.shape.isSynchronous) gone();
    else return this.#call('destroy', signal, gone, gone, isLate);
  }

  #check({ signal }: PoolHookContext): boolean | Promise<boolean> {
    return this.shape.isSynchronous ? true : this.#call('check', signal, () => true);
  }

  #call<Answer>(
    kind: OpenCall['kind'],
    signal: AbortSignal,
    succeed: () => Answer,
    beforeFailure?: () => void,
    isLate = false,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const over = (): void => void this.open.splice(this.open.indexOf(call), 1);
      const call: OpenCall = {
        kind,
        signal,
        isLate,
        succeed() {
          over();
          resolve(succeed());
        },
        fail() {
          over();
          beforeFailure?.();
          reject(new Error(`${kind} fails`));
        },
        refuse() {
          over();
          if (kind === 'check') resolve(false as Answer);
          else resolve(succeed());
        },
      };
      this.open.push(call);
    });
  }
}
