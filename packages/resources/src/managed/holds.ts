import type { ResourceToken } from '../definition/resource-token.ts';
import { scopeContains, type ResourceScope } from '../scope/resource-scope.ts';

/** What is held back, and what is not: also for what is not there yet, or comes in the place of what was. */
export interface Holds {
  hold(token: ResourceToken, scope: ResourceScope, reason: string): void;
  resume(token: ResourceToken, scope: ResourceScope): void;
  /** Why the resource of a scope is held back; `undefined` when it is not. */
  reasonFor(token: ResourceToken, scope: ResourceScope): string | undefined;
}

interface Word {
  readonly scope: ResourceScope;
  /** `undefined`: it is to be lent. */
  readonly reason: string | undefined;
}

/** Nothing is held back. */
export function createHolds(): Holds {
  const wordsOf = new Map<ResourceToken, readonly Word[]>();
  const say = (token: ResourceToken, word: Word): void => {
    // What was said of less is overtaken; and with no hold left there is nothing to resume.
    const before = (wordsOf.get(token) ?? []).filter((one) => !scopeContains(word.scope, one.scope));
    const words = [...before, word];
    if (words.every(({ reason }) => reason === undefined)) wordsOf.delete(token);
    else wordsOf.set(token, words);
  };
  return {
    hold: (token, scope, reason) => say(token, { scope, reason }),
    resume: (token, scope) => say(token, { scope, reason: undefined }),
    reasonFor: (token, scope) => wordsOf.get(token)?.findLast((one) => scopeContains(one.scope, scope))?.reason,
  };
}
