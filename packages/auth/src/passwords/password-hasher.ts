import { currentContext } from '@tenon/core';
import { compare, genSaltSync, getRounds, hash } from 'bcrypt';
import type { AuthStatistics } from '../auth.ts';
import { HashLimiter, type HashLimiterConfig } from './hash-limiter.ts';
import type { PreparedPassword } from './prepare-password.ts';

/** A turn to hash or compare. Only valid inside the work that received it. */
export interface HashTurn {
  /**
   * Compares with the full work of the current cost, whatever the hash: none, and a password that cannot be hashed, take as
   * long as a wrong one.
   */
  compare(password: PreparedPassword, stored: string | null | undefined): Promise<boolean>;
  /** The password must be {@link PreparedPassword.hashable}. */
  hash(password: PreparedPassword): Promise<string>;
}

/** Hashes passwords with bcrypt, a few at a time. */
export interface PasswordHasher {
  /** Waits for a turn. @throws `AUTH_OVERLOADED`, `AUTH_CLOSED`, `ABORTED` */
  takeTurn<T>(work: (turn: HashTurn) => Promise<T>): Promise<T>;
  /** Whether a hash was made with less work than is asked for now. */
  isOutdated(stored: string): boolean;
  statistics(): AuthStatistics;
  close(): void;
}

/** Makes the hasher. */
export function createPasswordHasher(config: HashLimiterConfig & { readonly cost: number }): PasswordHasher {
  const limiter = new HashLimiter(config);
  // A hash that nothing matches: a salt and 31 characters of the alphabet. Comparing with it takes all the work.
  const dummy = `${genSaltSync(config.cost)}${'.'.repeat(31)}`;
  let compares = 0;
  let hashes = 0;
  const turn: HashTurn = {
    async compare(password, stored) {
      const real = typeof stored === 'string' && password.hashable;
      const matches = await compare(password.reveal(), real ? stored : dummy);
      compares += 1;
      return real && matches;
    },
    async hash(password) {
      const made = await hash(password.reveal(), config.cost);
      hashes += 1;
      return made;
    },
  };
  return {
    takeTurn: (work) => limiter.run(() => work(turn), currentContext()?.signal),
    isOutdated: (stored) => getRounds(stored) < config.cost,
    statistics: () => ({ ...limiter.counts, compares, hashes }),
    close: () => limiter.close(),
  };
}
