import { isCodedError, Secret, type Clock, type JsonValue, type Logger, type Timer } from '@tenon/core';
import { beforeAbort } from '../../cache/before-abort.ts';
import type { CredentialError } from '../../errors.ts';
import { asObject } from '../../sources/read-json.ts';
import { sourceError } from '../../sources/source-error.ts';
import { secondsToMs, type VaultApi } from './vault-api.ts';

/** How to sign in to Vault: with a token that was made for this program, or with a role, through AppRole. */
export type VaultSignIn =
  | { readonly token: Secret }
  | { readonly roleId: string; readonly secretId: Secret; readonly mount: string };

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
export function createTokenKeeper({ source, api, signIn, clock, logger }: TokenKeeperOptions): TokenKeeper {
  const closing = new AbortController();
  let held: HeldToken | undefined;
  let signingIn: Promise<HeldToken> | undefined;
  let timer: Timer | undefined;

  const later = (delayMs: number, work: () => Promise<void>): void => {
    timer?.cancel();
    if (closing.signal.aborted) return;
    timer = clock.schedule(() => void work(), Math.max(SOONEST_MS, delayMs));
  };
  const hold = (secret: Secret, lifetime: Lifetime): HeldToken => {
    const nowMs = clock.monotonicMs();
    const { ttlMs } = lifetime;
    held = { secret, obtainedAtMs: nowMs, endsAtMs: ttlMs === 0 ? Infinity : nowMs + ttlMs };
    if (ttlMs > 0) later((ttlMs * 2) / 3, () => prolong(lifetime));
    return held;
  };

  const prolong = async (before: Lifetime): Promise<void> => {
    const token = held;
    if (token === undefined) return;
    const renewed = before.isRenewable ? await attempt(() => renew(token)) : { outcome: 'refused' as const };
    // A login has replaced it meanwhile.
    if (held !== token) return;
    if (renewed.outcome === 'failed') return again(token, before);
    // Close to its last moment a token is given less and less: then a new one is better than renewing ever more often.
    const isShorter = renewed.outcome === 'done' && renewed.value.ttlMs < before.ttlMs / 2;
    if (renewed.outcome === 'done' && !(isShorter && 'roleId' in signIn)) {
      held = { ...hold(token.secret, renewed.value), obtainedAtMs: token.obtainedAtMs };
      return;
    }
    if ('roleId' in signIn) {
      const login = await attempt(() => signInAgain());
      if (login.outcome !== 'done' && held === token) again(token, before);
    } else {
      logger.warn({ source }, 'the token of a source of credentials cannot be renewed: give it another before it ends');
    }
  };
  // Vault could not be asked: as often as makes sense, until the token has ended.
  const again = (token: HeldToken, before: Lifetime): void => {
    const leftMs = token.endsAtMs - clock.monotonicMs();
    if (leftMs > 0) later(leftMs / 3, () => prolong(before));
  };
  const renew = async (token: HeldToken): Promise<Lifetime> => {
    const { status, json } = await api.call(
      { method: 'POST', path: 'auth/token/renew-self', token: token.secret, body: {} },
      closing.signal,
    );
    if (status !== 200) throw refused('refused to renew its token', status);
    return lifetimeOf(asObject(json['auth'])?.['lease_duration'], asObject(json['auth'])?.['renewable']);
  };

  const signInAgain = (): Promise<HeldToken> => {
    signingIn ??= login().finally(() => {
      signingIn = undefined;
    });
    return signingIn;
  };
  const login = async (): Promise<HeldToken> => {
    if ('token' in signIn) {
      const token = hold(signIn.token, { ttlMs: 0, isRenewable: false });
      // Behind the first read: a token without the right to look itself up is good all the same.
      later(0, learnLifetime);
      return token;
    }
    const { status, json } = await api.call(
      {
        method: 'POST',
        path: `auth/${signIn.mount}/login`,
        body: { role_id: signIn.roleId, secret_id: signIn.secretId.reveal() },
      },
      closing.signal,
    );
    const auth = asObject(json['auth']);
    const token = auth?.['client_token'];
    if (status !== 200)
      throw refused('refused the login with its role: check the role, the secret id and the mount', status);
    if (typeof token !== 'string' || token === '') {
      throw sourceError('CREDENTIAL_STORAGE_CORRUPT', source, 'answered a login without a token');
    }
    return hold(new Secret(token), lifetimeOf(auth?.['lease_duration'], auth?.['renewable']));
  };
  const learnLifetime = async (): Promise<void> => {
    const token = held;
    if (token === undefined) return;
    const looked = await attempt(async () => {
      const { status, json } = await api.call(
        { method: 'GET', path: 'auth/token/lookup-self', token: token.secret },
        closing.signal,
      );
      if (status !== 200) throw refused('does not tell how long its token is good', status);
      return lifetimeOf(asObject(json['data'])?.['ttl'], asObject(json['data'])?.['renewable']);
    });
    if (looked.outcome === 'done') hold(token.secret, looked.value);
    else if (looked.outcome === 'failed') later(LOOK_AGAIN_MS, learnLifetime);
    else logger.warn({ source }, 'a source of credentials does not tell how long its token is good: it is not renewed');
  };

  const attempt = async <T>(work: () => Promise<T>): Promise<Attempt<T>> => {
    try {
      return { outcome: 'done', value: await work() };
    } catch (error) {
      if (closing.signal.aborted) return { outcome: 'failed' };
      logger.warn({ source, err: error }, 'the token of a source of credentials could not be looked after');
      return { outcome: isCodedError(error, 'CREDENTIAL_STORAGE_DENIED') ? 'refused' : 'failed' };
    }
  };
  const refused = (what: string, status: number): CredentialError =>
    sourceError('CREDENTIAL_STORAGE_DENIED', source, what, { details: { status } });

  return {
    async current(signal) {
      // A timer may be late, after the machine slept for example.
      if (held !== undefined && (clock.monotonicMs() < held.endsAtMs || 'token' in signIn)) return held;
      return beforeAbort(signInAgain(), signal);
    },
    async instead(token, signal) {
      if ('token' in signIn) return undefined;
      if (held !== undefined && held.secret !== token.secret) return held;
      if (clock.monotonicMs() - token.obtainedAtMs < YOUNG_MS) return undefined;
      return beforeAbort(signInAgain(), signal);
    },
    close() {
      closing.abort();
      timer?.cancel();
      held = undefined;
    },
  };
}

interface Lifetime {
  /** From now on, in milliseconds; 0: it does not end. */
  readonly ttlMs: number;
  readonly isRenewable: boolean;
}

type Attempt<T> = { readonly outcome: 'done'; readonly value: T } | { readonly outcome: 'refused' | 'failed' };

function lifetimeOf(seconds: JsonValue | undefined, renewable: JsonValue | undefined): Lifetime {
  return { ttlMs: secondsToMs(seconds), isRenewable: renewable === true };
}
