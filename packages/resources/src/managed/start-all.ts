import type { ResourceToken } from '../definition/resource-token.ts';
import type { DependencyGraph } from '../graph/dependency-graph.ts';
import type { ManagedResource } from './managed-resource.ts';

/** What {@link startAll} works with. */
export interface StartOptions {
  readonly graph: DependencyGraph;
  /** Which, and what they need. Default: all. */
  readonly tokens: readonly ResourceToken[] | undefined;
  readonly signal: AbortSignal | undefined;
  /** The managed resource of a name; `undefined` when nothing is registered by it. */
  readonly find: (name: string) => ManagedResource | undefined;
  /** Ends at once what was made for nothing. */
  readonly close: (managed: ManagedResource) => Promise<unknown>;
}

/** Makes instances ahead of need, what others need first. After a failure those made before it are ended again, in reverse. */
export async function startAll({ graph, tokens, signal, find, close }: StartOptions): Promise<void> {
  const wanted = new Set(tokens?.flatMap(({ name }) => graph.orderFor(name)) ?? graph.order());
  const started: ManagedResource[] = [];
  try {
    for (const name of graph.order()) {
      const managed = wanted.has(name) ? find(name) : undefined;
      if (managed === undefined) continue;
      if (managed.state === 'created') started.push(managed);
      await managed.warmUp(signal);
    }
  } catch (error) {
    for (const managed of started.toReversed()) {
      // Somebody else may have found it useful meanwhile.
      if (managed.borrowers === 0 && managed.waiting === 0) await close(managed);
    }
    throw error;
  }
}
