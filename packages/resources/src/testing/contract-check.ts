import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { isCodedError, runAs, silentLogger, toError, type CodedError, type Logger } from '@tenon/core';
import { createResources } from '../create-resources.ts';
import type { CredentialReader } from '../credentials/credential-slots.ts';
import type { ResourceToken } from '../definition/resource-token.ts';
import type { ResourceEvent } from '../events/resource-event.ts';
import type { Resources } from '../resources.ts';

/** A driver with what its contract needs around it. */
export interface ResourceUnderTest<Face extends object = object> {
  /** Of a server that works, with time limits of a second or less, so that the checks need not wait for long. */
  readonly token: ResourceToken<Face>;
  /** One piece of work that needs the server, by the face. */
  readonly work: (face: Face) => Promise<unknown>;
  /** Where its credentials come from. */
  readonly vault?: CredentialReader;
  /** Texts that must be seen nowhere: passwords, and the like. */
  readonly secrets?: readonly string[];
  /** Takes the server away, as a crash or a pulled cable would. Left out where there is none to take away. */
  readonly stopServer?: () => Promise<void>;
  /** Brings it back. */
  readonly startServer?: () => Promise<void>;
  /** The same resource with a login that the server refuses. */
  readonly refusedToken?: ResourceToken<Face>;
  /** Closes what `open` has opened. */
  readonly close: () => Promise<void>;
}

/** Opens a driver for one check. */
export type OpenResource<Face extends object = object> = () => Promise<ResourceUnderTest<Face>>;

/** One rule of the contract. */
export interface ResourceContractCheck {
  /** The rule as a sentence. */
  readonly name: string;
  /** Rejects with an `AssertionError` when the driver breaks the rule. */
  readonly run: () => Promise<void>;
}

/** What a rule has to look at. */
export interface ContractTools<Face extends object = object> extends ResourceUnderTest<Face> {
  readonly resources: Resources;
  /** Instances as they are made and ended. */
  readonly instances: InstanceCount;
  /** All that was logged and told, for a look at what it holds. */
  readonly shown: unknown[];
  /** @throws `AssertionError` when it takes too long */
  readonly until: Until;
}

/** A rule before it is bound to a driver. */
export interface ResourceRule {
  readonly name: string;
  /** What a driver must offer for it. */
  readonly needs?: readonly ('stopServer' | 'startServer' | 'refusedToken' | 'secrets' | 'slots')[];
  readonly check: (tools: ContractTools) => Promise<void>;
}

/** How often instances were made and ended. */
export interface InstanceCount {
  readonly made: readonly unknown[];
  readonly ended: readonly unknown[];
}

/** The tenant in which checks run. */
export const CONTRACT_TENANT = 'contract-a';

/** Runs work in a tenant. */
export const inTenant = <T>(tenant: string, work: () => Promise<T>): Promise<T> =>
  runAs({ tenant, actor: { type: 'system', id: 'contract' } }, work);

/** The same resource, with its instances counted. */
function counted<Face extends object>(
  token: ResourceToken<Face>,
): { readonly token: ResourceToken<Face>; readonly instances: InstanceCount } {
  const made: unknown[] = [];
  const ended: unknown[] = [];
  const { definition } = token;
  const watched: typeof definition = {
    ...definition,
    async create(context) {
      const instance = await definition.create(context);
      made.push(instance);
      return instance;
    },
    async destroy(instance, context) {
      ended.push(instance);
      await definition.destroy(instance, context);
    },
  };
  return { token: { ...token, definition: watched }, instances: { made, ended } };
}

/** Opens the resources of one check. */
export function openTools<Face extends object>(
  opened: ResourceUnderTest<Face>,
  patienceMs: number,
): ContractTools<Face> {
  const { token, instances } = counted(opened.token);
  const shown: unknown[] = [];
  const resources = createResources({
    define: [token],
    ...(opened.vault === undefined ? {} : { vault: opened.vault }),
    logger: recordingLogger(shown),
  });
  resources.onEvent((event: ResourceEvent) => shown.push(event));
  const until: Until = (what, isSo) => waitUntil(patienceMs, what, isSo);
  return { ...opened, token, resources, instances, shown, until };
}

function recordingLogger(shown: unknown[]): Logger {
  const write = (fields: unknown, message?: unknown): void => void shown.push(fields, message);
  return { ...silentLogger, debug: write, info: write, warn: write, error: write, child: () => recordingLogger(shown) };
}

/** The coded error that work fails with. @throws `AssertionError` when it does not fail, or otherwise */
export async function failureOf(work: Promise<unknown>): Promise<CodedError> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(thrown !== undefined, 'it did not fail');
  assert.ok(isCodedError(thrown), `it failed with "${toError(thrown).name}", which is no coded error`);
  return thrown;
}

/** @throws `AssertionError` when one of the texts is seen anywhere in a value, causes and hidden properties included */
export function assertShowsNone(secrets: readonly string[], values: readonly unknown[]): void {
  for (const value of values) {
    const seen = inspect(value, { depth: 12, showHidden: true, maxStringLength: null, breakLength: Infinity });
    for (const secret of secrets)
      assert.ok(!seen.includes(secret), 'a secret is seen in an error, an event, a log or a view');
  }
}

/** Tries until it is so. */
export type Until = (what: string, isSo: () => Promise<boolean> | boolean) => Promise<void>;

/** @throws `AssertionError` after the time, given in milliseconds */
async function waitUntil(timeoutMs: number, what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!(await isSo())) {
    assert.ok(performance.now() < endMs, `after ${timeoutMs} ms it is still not so that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
