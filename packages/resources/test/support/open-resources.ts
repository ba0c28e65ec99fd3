import { runAs } from '@tenon/core';
import { createTestClock, type TestClock } from '@tenon/core/testing';
import { createResources, type ResourceEvent, type Resources, type ResourcesOptions } from '@tenon/resources';

/** A registry on a clock that stands still, with everything that it told. */
export interface OpenResources {
  readonly resources: Resources;
  readonly clock: TestClock;
  readonly events: ResourceEvent[];
}

export function openResources(options: ResourcesOptions = {}): OpenResources {
  const clock = createTestClock();
  const resources = createResources({ clock, random: () => 0.5, ...options });
  const events: ResourceEvent[] = [];
  resources.onEvent((event) => void events.push(event));
  return { resources, clock, events };
}

/** Runs work in a tenant. */
export const inTenant = <T>(tenant: string, work: () => T): T =>
  runAs({ tenant, actor: { type: 'system', id: 'test' } }, work);

/** Lets everything go on that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}
