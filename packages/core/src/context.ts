import { AsyncLocalStorage } from 'node:async_hooks';
import type { Deadline } from './deadline.ts';
import { coreError } from './errors.ts';

/** Who acts: a person, a machine with an API key, or Tenon itself. */
export interface Actor {
  readonly type: 'user' | 'api-key' | 'system';
  /** The account, the key, or the name of the system task. */
  readonly id: string;
  /** What the actor may do, for example `orders:write`. */
  readonly scopes?: readonly string[];
}

/** What travels with one request through every `await`. Frozen; a change is a new context for a narrower piece of work. */
export interface Context {
  /** The tenant whose data this work may touch. Absent only before it is known. */
  readonly tenant?: string;
  readonly actor?: Actor;
  readonly requestId?: string;
  /** W3C `traceparent` of the caller. */
  readonly traceparent?: string;
  readonly deadline?: Deadline;
  /** Aborts when the caller is gone or the server stops. */
  readonly signal?: AbortSignal;
}

const storage = new AsyncLocalStorage<Context>();
const TENANT = /^[A-Za-z0-9_-]{1,64}$/;

/** Tells whether text has the form of a tenant id: 1 to 64 letters, digits, `_` or `-`. */
export function isTenantId(text: string): boolean {
  return TENANT.test(text);
}

/** The context of the running work, or `undefined` outside of any. */
export function currentContext(): Context | undefined {
  return storage.getStore();
}

/**
 * Runs work in a context of its own. What the context does not name is not inherited: nothing leaks from an outer one.
 *
 * @param context - the whole context of the work
 * @param work - the work; everything it awaits sees the context, and nothing after it does
 * @throws `TENANT_INVALID` when the tenant id is malformed
 */
export function runInContext<T>(context: Context, work: () => T): T {
  if (context.tenant !== undefined && !isTenantId(context.tenant)) {
    throw coreError('TENANT_INVALID', 'a tenant id is 1 to 64 letters, digits, "_" or "-"');
  }
  return storage.run(Object.freeze({ ...context }), work);
}

/**
 * Runs work as somebody, in some tenant, keeping the rest of the current context (request id, trace, deadline).
 *
 * @example
 * ```ts
 * await runAs({ tenant: 'acme', actor: { type: 'system', id: 'nightly-report' } }, () => report());
 * ```
 * @throws `TENANT_INVALID` when the tenant id is malformed
 */
export function runAs<T>(who: Pick<Context, 'tenant' | 'actor'>, work: () => T): T {
  return runInContext({ ...storage.getStore(), ...who }, work);
}

/**
 * The context of the running work.
 *
 * @throws `CONTEXT_MISSING` outside of any
 */
export function requireContext(): Context {
  const context = storage.getStore();
  if (context === undefined) {
    throw coreError('CONTEXT_MISSING', 'this work runs in no context; start it inside runInContext or runAs');
  }
  return context;
}

/**
 * The tenant of the running work. There is no tenant that means "all".
 *
 * @throws `TENANT_REQUIRED` when the work runs in no tenant
 */
export function requireTenant(): string {
  const tenant = storage.getStore()?.tenant;
  if (tenant === undefined) {
    throw coreError('TENANT_REQUIRED', 'this work needs a tenant, and none is set; start it inside runAs({ tenant })');
  }
  return tenant;
}

/**
 * Binds a callback to the current context, for callers that would run it in another one: event emitters, pools, queues.
 */
export function bindContext<Arguments extends readonly unknown[], T>(
  callback: (...args: Arguments) => T,
): (...args: Arguments) => T {
  const context = storage.getStore();
  if (context === undefined) return (...args) => storage.exit(() => callback(...args));
  return (...args) => storage.run(context, () => callback(...args));
}
