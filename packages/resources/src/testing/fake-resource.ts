import { codeOfFailure } from '@tenon/core';
import type { TObject } from 'typebox';
import { defineResource } from '../definition/define-resource.ts';
import type { Dependencies, ErasedDefinition } from '../definition/resource-definition.ts';
import type { ResourceToken } from '../definition/resource-token.ts';
import type { HealthStatus } from '../health/health-status.ts';
import type { CallHistory, FakeOperation, RecordedCall } from './recorded-call.ts';
import type { CallScripts, FakeBehaviour, FakeCalls, ScriptedOperation } from './scripts.ts';

/** An instance of a fake resource. */
export interface FakeInstance {
  /** From 1, in the order in which they were made. */
  readonly id: number;
  /** Whose it is, as text. */
  readonly scope: string;
}

/** What stands in for a resource. */
export interface FakeResource<Face extends object = object> {
  /** The token that application code uses. */
  readonly token: ResourceToken<Face>;
  /** What was done with it. @param operation - default: everything */
  calls(operation?: FakeOperation): readonly RecordedCall[];
  /** Makes something happen to calls that come. */
  script(operation: ScriptedOperation, behaviour: FakeBehaviour, which?: FakeCalls): void;
  /** How `check` finds it from now on. Default: healthy. */
  setHealth(health: HealthStatus): void;
  /** Puts every instance of now beyond use, as if its server had gone. */
  breakAll(): void;
  /** Those that were made and not destroyed. */
  living(): readonly FakeInstance[];
}

/** A fake with what the registry behind it needs. */
export interface Fake<Face extends object> {
  readonly resource: FakeResource<Face>;
  readonly scripts: CallScripts;
  /** The token that the registry has in the place of the real one. */
  readonly standIn: ResourceToken<Face>;
}

/** Makes a stand-in for a token: of its pooling, scope and health everything is real but what is made and ended. */
export function createFake<Face extends object>(
  token: ResourceToken<Face>,
  makeFace: (instance: FakeInstance) => Face,
  parts: { readonly history: CallHistory; readonly scripts: CallScripts; readonly dependencies: Dependencies },
  scopeText: (scope: object) => string,
): Fake<Face> {
  const { history, scripts } = parts;
  const { name } = token;
  const living = new Set<FakeInstance>();
  const broken = new WeakSet<FakeInstance>();
  let health: HealthStatus = { status: 'healthy' };
  let made = 0;

  const recorded = recorderOf(name, history, scripts);
  const standIn = defineResource<FakeInstance, TObject, Face, Readonly<Record<string, never>>, Dependencies>({
    ...keptOf(token),
    dependencies: parts.dependencies,
    create: ({ scope, signal }) => {
      const id = (made += 1);
      const instance = { id, scope: scopeText(scope) };
      return recorded('create', signal, { instance: id, scope: instance.scope }, () => {
        living.add(instance);
        return instance;
      });
    },
    destroy: (instance, { reason, signal }) => {
      // Whatever becomes of it, nobody has it any more.
      living.delete(instance);
      return recorded('destroy', signal, { instance: instance.id, scope: instance.scope, reason }, () => undefined);
    },
    check: (instance, { signal }) =>
      recorded('check', signal, { instance: instance.id, scope: instance.scope }, () => health),
    isBroken: (instance) => broken.has(instance),
    // A face of its own for each borrower, as the registry adds the lease to it.
    expose: (instance, context) => fenced(makeFace(instance), () => context.assertHeld(), instance),
  });

  const resource: FakeResource<Face> = {
    token,
    calls: (operation) =>
      history.calls.filter((call) => call.resource === name && (operation ?? call.operation) === call.operation),
    script: (operation, behaviour, which) => scripts.add(operation, behaviour, which),
    setHealth(next) {
      health = next;
    },
    breakAll() {
      for (const instance of living) broken.add(instance);
    },
    living: () => [...living],
  };
  return { resource, scripts, standIn };
}

/** What a stand-in has of the real one. */
function keptOf({
  name,
  version,
  technology,
  definition,
}: ResourceToken): Pick<
  ErasedDefinition,
  'name' | 'version' | 'technology' | 'schema' | 'use' | 'isolation' | 'pool' | 'health'
> & { readonly config: Readonly<Record<string, unknown>> } {
  const { schema, config, use, isolation, pool, health } = definition;
  // Settings are those of a schema for objects.
  const settings = config as Readonly<Record<string, unknown>>;
  // A look that nobody asked for must not come in the way of what a test wants to happen to the calls of its own work.
  const calm = { ...health, looksInDoubt: false };
  return { name, version, technology, schema, config: settings, use, isolation, pool, health: calm };
}

type Recorder = <T>(
  operation: ScriptedOperation,
  signal: AbortSignal,
  facts: Partial<RecordedCall>,
  work: () => T,
) => Promise<T>;

/** Writes down what is done, after what the script wants to happen first. */
function recorderOf(resource: string, history: CallHistory, scripts: CallScripts): Recorder {
  return async (operation, signal, facts, work) => {
    const end = history.begin({ operation, resource, ...facts });
    try {
      await scripts.play(operation, signal);
      const result = work();
      end();
      return result;
    } catch (thrown) {
      end({ failure: codeOfFailure(thrown) });
      throw thrown;
    }
  };
}

/** Remembers which instance is behind which face, for the history. */
const instances = new WeakMap<object, FakeInstance>();

/** The instance behind a face that {@link createFake} has given. */
export function instanceBehind(face: object): FakeInstance | undefined {
  return instances.get(face);
}

/**
 * The face for one borrower: its methods throw once the lease is over, as those of real faces do. What the registry adds stays with the
 * borrower, so that one face can serve all of them.
 */
function fenced<Face extends object>(face: Face, assertHeld: () => void, instance: FakeInstance): Face {
  const own = new Proxy<Face>(Object.create(face), {
    get(target, property) {
      if (Object.hasOwn(target, property)) return Reflect.get(target, property);
      const value: unknown = Reflect.get(face, property);
      if (typeof value !== 'function') return value;
      return (...given: unknown[]): unknown => {
        assertHeld();
        return Reflect.apply(value, face, given);
      };
    },
  });
  instances.set(own, instance);
  return own;
}
