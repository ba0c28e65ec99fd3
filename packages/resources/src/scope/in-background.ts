import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { runInContext } from '@tenon/core';

/** Runs work of nobody in particular: in no context and in no trace, least of all in those of the request that happened to come first. */
export function inBackground<T>(work: () => T): T {
  return runInContext({}, () => context.with(ROOT_CONTEXT, work));
}
