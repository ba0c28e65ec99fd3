import { createSingleFlight, isCodedError, type Clock, type Logger, type Secret, type Timer } from '@tenon/core';
import { beforeAbort } from '../../cache/before-abort.ts';
import { createTokenCalls, type Lifetime, type TokenCalls, type VaultRole } from './token-calls.ts';
import type { VaultApi } from './vault-api.ts';

/** How to sign in to Vault: with a token that was made for this program, or with a role, through AppRole. */
export type VaultSignIn = { readonly token: Secret } | VaultRole;

/** A token while it is used. */
export interface HeldToken {
  readonly secret: Secret;
  /** On the monotonic scale of the clock. */
  readonly obtainedAtMs: number;
  /** On the same scale; `Infinity`: it does not end, or nobody knows when. */
  readonly endsAtMs: number;
}

/** Holds a token that is good. */
export interface TokenKeeper {
  /** @throws `CREDENTIAL_STORAGE_DENIED` when signing in is refused; what the API throws */
  current(signal: AbortSignal): Promise<HeldToken>;
  /** Another one for one that was refused; `undefined` when a new one would not be another. */
  instead(refused: HeldToken, signal: AbortSignal): Promise<HeldToken | undefined>;
  close(): void;
}

/** What {@link createTokenKeeper} takes. */
export interface TokenKeeperOptions {
  readonly source: string;
  readonly api: VaultApi;
  readonly signIn: VaultSignIn;
  readonly clock: Clock;
  readonly logger: Logger;
}

// A token this young was not refused because it has ended, but because its policy does not permit what it was used for. Without this, each
// such refusal would cost a login.
const YOUNG_MS = 1_000;
const SOONEST_MS = 1_000;
const LOOK_AGAIN_MS = 30_000;

/**
 * Makes a keeper. It asks for nothing before the first token is needed. From then on a token is renewed when two thirds of its time are over; one that
 * cannot be renewed any more is replaced by a login where there is a role.
 */
export function createTokenKeeper(options: TokenKeeperOptions): TokenKeeper {
  return new Keeper(options);
}

class Keeper implements TokenKeeper {
  readonly #options: TokenKeeperOptions;
  readonly #closing = new AbortController();
  readonly #signIns = createSingleFlight<'token', HeldToken>();
  readonly #calls: TokenCalls;
  #held: HeldToken | undefined;
  #timer: Timer | undefined;

  constructor(options: TokenKeeperOptions) {
    this.#options = options;
    this.#calls = createTokenCalls(options.source, options.api, this.#closing.signal);
  }

  async current(signal: AbortSignal): Promise<HeldToken> {
    const { clock, signIn } = this.#options;
    const held = this.#held;
    // A timer may be late, after the machine slept for example.
    if (held !== undefined && (clock.monotonicMs() < held.endsAtMs || 'token' in signIn)) return held;
    return beforeAbort(this.#signInAgain(), signal);
  }

  async instead(token: HeldToken, signal: AbortSignal): Promise<HeldToken | undefined> {
    const { clock, signIn } = this.#options;
    if ('token' in signIn) return undefined;
    if (this.#held !== undefined && this.#held.secret !== token.secret) return this.#held;
    if (clock.monotonicMs() - token.obtainedAtMs < YOUNG_MS) return undefined;
    return beforeAbort(this.#signInAgain(), signal);
  }

  close(): void {
    this.#closing.abort();
    this.#timer?.cancel();
    this.#held = undefined;
  }

  #later(delayMs: number, work: () => Promise<void>): void {
    this.#timer?.cancel();
    if (this.#closing.signal.aborted) return;
    this.#timer = this.#options.clock.schedule(() => void work(), Math.max(SOONEST_MS, delayMs));
  }

  #hold(secret: Secret, lifetime: Lifetime): HeldToken {
    const nowMs = this.#options.clock.monotonicMs();
    const { ttlMs } = lifetime;
    const held = { secret, obtainedAtMs: nowMs, endsAtMs: ttlMs === 0 ? Infinity : nowMs + ttlMs };
    this.#held = held;
    if (ttlMs > 0) this.#later((ttlMs * 2) / 3, () => this.#prolong(lifetime));
    return held;
  }

  async #prolong(before: Lifetime): Promise<void> {
    const { source, signIn, logger } = this.#options;
    const token = this.#held;
    if (token === undefined) return;
    const renewed: Attempt<Lifetime> = before.isRenewable
      ? await this.#attempt(() => this.#calls.renew(token.secret))
      : { outcome: 'refused' };
    // A login has replaced it meanwhile.
    if (this.#held !== token) return;
    if (renewed.outcome === 'failed') return this.#again(token, before);
    // Close to its last moment a token is given less and less: then a new one is better than renewing ever more often.
    const isShorter = renewed.outcome === 'done' && renewed.value.ttlMs < before.ttlMs / 2;
    if (renewed.outcome === 'done' && !(isShorter && 'roleId' in signIn)) {
      this.#held = { ...this.#hold(token.secret, renewed.value), obtainedAtMs: token.obtainedAtMs };
      return;
    }
    if ('roleId' in signIn) {
      const login = await this.#attempt(() => this.#signInAgain());
      if (login.outcome !== 'done' && this.#held === token) this.#again(token, before);
    } else {
      logger.warn({ source }, 'the token of a source of credentials cannot be renewed: give it another before it ends');
    }
  }

  // Vault could not be asked: as often as makes sense, until the token has ended.
  #again(token: HeldToken, before: Lifetime): void {
    const leftMs = token.endsAtMs - this.#options.clock.monotonicMs();
    if (leftMs > 0) this.#later(leftMs / 3, () => this.#prolong(before));
  }

  #signInAgain(): Promise<HeldToken> {
    return this.#signIns.run('token', () => this.#logIn());
  }

  async #logIn(): Promise<HeldToken> {
    const { signIn } = this.#options;
    if ('token' in signIn) {
      const token = this.#hold(signIn.token, { ttlMs: 0, isRenewable: false });
      // Behind the first read: a token without the right to look itself up is good all the same.
      this.#later(0, () => this.#learnLifetime());
      return token;
    }
    const { secret, lifetime } = await this.#calls.logIn(signIn);
    return this.#hold(secret, lifetime);
  }

  async #learnLifetime(): Promise<void> {
    const { source, logger } = this.#options;
    const token = this.#held;
    if (token === undefined) return;
    const looked = await this.#attempt(() => this.#calls.lookUp(token.secret));
    if (looked.outcome === 'done') this.#hold(token.secret, looked.value);
    else if (looked.outcome === 'failed') this.#later(LOOK_AGAIN_MS, () => this.#learnLifetime());
    else logger.warn({ source }, 'a source of credentials does not tell how long its token is good: it is not renewed');
  }

  async #attempt<T>(work: () => Promise<T>): Promise<Attempt<T>> {
    const { source, logger } = this.#options;
    try {
      return { outcome: 'done', value: await work() };
    } catch (error) {
      if (this.#closing.signal.aborted) return { outcome: 'failed' };
      logger.warn({ source, err: error }, 'the token of a source of credentials could not be looked after');
      return { outcome: isCodedError(error, 'CREDENTIAL_STORAGE_DENIED') ? 'refused' : 'failed' };
    }
  }
}

type Attempt<T> = { readonly outcome: 'done'; readonly value: T } | { readonly outcome: 'refused' | 'failed' };
