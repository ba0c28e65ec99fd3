import { createTestClock } from '@tenon/core/testing';
import { createResources } from '../create-resources.ts';
import type { ResourceToken } from '../definition/resource-token.ts';
import { resourceError, type ResourceError } from '../errors.ts';
import { scopeKey } from '../scope/resource-scope.ts';
import { createFake, type Fake, type FakeInstance, type FakeResource } from './fake-resource.ts';
import { FakedRegistry } from './faked-registry.ts';
import { createCallHistory } from './recorded-call.ts';
import { createScenario } from './scenario.ts';
import { createCallScripts } from './scripts.ts';
import type { TestResources, TestResourcesOptions } from './test-resources.ts';

/**
 * Makes resources for a test of code that borrows them.
 *
 * @example
 * ```ts
 * const { resources, provide, history } = createTestResources();
 * const db = provide(ordersDb, { query: async () => ({ rows: [{ one: 1 }] }) });
 * db.script('create', { fail: new Error('the database is down') }, { times: 2 });
 *
 * await placeOrder(resources);
 * expect(history({ operation: 'acquire' })).toHaveLength(3);
 * ```
 */
export function createTestResources(options: TestResourcesOptions = {}): TestResources {
  const { clock = createTestClock(), random = () => 0.5, ...more } = options;
  const history = createCallHistory(() => clock.now());
  const fakes = new Map<string, Fake<object>>();
  const registry = createResources({ ...more, random, clock });

  const fakeOf = (token: ResourceToken): Fake<object> => {
    const fake = fakes.get(token.name);
    if (fake === undefined || fake.resource.token !== token) throw noFake(token.name);
    return fake;
  };
  const provide = <Face extends object>(
    token: ResourceToken<Face>,
    face: Face | ((instance: FakeInstance) => Face),
  ): FakeResource<Face> => {
    // What it needs stands in as well, as far as there are fakes for it.
    const needed = Object.entries(token.definition.dependencies).flatMap(([as, { name }]) => {
      const standIn = fakes.get(name)?.standIn;
      return standIn === undefined ? [] : [[as, standIn] as const];
    });
    const parts = { history, scripts: createCallScripts(clock), dependencies: Object.fromEntries(needed) };
    const makeFace = typeof face === 'function' ? face : (): Face => face;
    const fake = createFake(token, makeFace, parts, scopeKey);
    registry.register(fake.standIn);
    fakes.set(token.name, fake);
    return fake.resource;
  };
  function resource<Face extends object>(which: ResourceToken<Face>): FakeResource<Face>;
  function resource(which: string): FakeResource;
  function resource(which: ResourceToken | string): FakeResource {
    if (typeof which !== 'string') return fakeOf(which).resource;
    const fake = fakes.get(which);
    if (fake === undefined) throw noFake(which);
    return fake.resource;
  }

  const made: TestResources = {
    resources: new FakedRegistry({ registry, fakes, fakeOf, history }),
    clock,
    provide,
    resource,
    history: ({ operation, resource: name } = {}) =>
      history.calls.filter(
        (call) => call.operation === (operation ?? call.operation) && call.resource === (name ?? call.resource),
      ),
    reset() {
      history.clear();
      for (const { scripts } of fakes.values()) scripts.clear();
    },
    scenario: (name) => createScenario(name, made),
    async [Symbol.asyncDispose]() {
      await registry.close({ timeoutMs: 0 });
    },
  };
  return made;
}

function noFake(name: string): ResourceError {
  return resourceError('RESOURCE_UNAVAILABLE', `there is no fake for resource "${name}": provide() one in this test`, {
    details: { resource: name },
  });
}
