import type { TestClock } from '@tenon/core/testing';
import type { ResourceToken } from '../definition/resource-token.ts';
import type { Resources, ResourcesOptions } from '../resources.ts';
import type { FakeInstance, FakeResource } from './fake-resource.ts';
import type { CallFilter, RecordedCall } from './recorded-call.ts';
import type { Scenario } from './scenario.ts';

/** What {@link createTestResources} takes. Nothing of it is required. */
export interface TestResourcesOptions extends Omit<ResourcesOptions, 'define' | 'vault' | 'clock'> {
  /** Default: one of `createTestClock`. */
  readonly clock?: TestClock;
}

/**
 * Resources without servers. `resources` is a real registry, to be given to the code under test: scopes, pools, leases, fences, health, quotas
 * and shutdown are what they are in production; only what is made, checked and ended is a fake of the test.
 */
export interface TestResources extends AsyncDisposable {
  /** For the code under test. It knows the tokens that have a fake; for any other it throws `RESOURCE_UNAVAILABLE`, not retryable. */
  readonly resources: Resources;
  readonly clock: TestClock;
  /**
   * Puts a fake in the place of a resource.
   *
   * @param face - what borrowers get: the same for all, or one made for each borrower
   * @returns the fake, to script it and to look at it
   * @throws `RESOURCE_ALREADY_REGISTERED` when there is one
   */
  readonly provide: <Face extends object>(
    token: ResourceToken<Face>,
    face: NoInfer<Face> | ((instance: FakeInstance) => NoInfer<Face>),
  ) => FakeResource<Face>;
  /**
   * The fake of a token, or of the name of one.
   *
   * @throws `RESOURCE_UNAVAILABLE`, not retryable, when there is none
   */
  readonly resource: {
    <Face extends object>(token: ResourceToken<Face>): FakeResource<Face>;
    (name: string): FakeResource;
  };
  /** What was done so far, in the order in which it began. */
  readonly history: (filter?: CallFilter) => readonly RecordedCall[];
  /** Forgets what was done, and what calls are told to do. */
  readonly reset: () => void;
  /** Begins a {@link Scenario} of these resources. */
  readonly scenario: (name: string) => Scenario;
}
