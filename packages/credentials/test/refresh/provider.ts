import { oauth2, type CredentialRefresher, type RefreshAnswer, type RefreshRequest } from '@tenon/credentials';

/** A provider of OAuth tokens whose every answer a test decides. Refresh tokens are good once, and used twice end the whole family. */
export interface TestProvider {
  readonly refresher: CredentialRefresher;
  /** The requests so far. */
  readonly requests: readonly RefreshRequest[];
  /** How often a refresh token was used that had been used before. */
  readonly replays: () => number;
  /** What the provider does with the next requests, in order; afterwards it refreshes. */
  next(...answers: readonly Reaction[]): void;
  /** Lets the request that hangs be answered. */
  letGo(): void;
}

export type Reaction = 'refresh' | 'reject' | 'refuse' | 'throw' | 'hang' | 'nothing';

export function createProvider(now: () => number, options: { readonly isReplayable?: boolean } = {}): TestProvider {
  const requests: RefreshRequest[] = [];
  const used = new Set<string>();
  const reactions: Reaction[] = [];
  let held: PromiseWithResolvers<void> | undefined;
  let replays = 0;

  const grant = (request: RefreshRequest): RefreshAnswer => {
    const token = String(request.material['refreshToken']);
    if (used.has(token)) replays += 1;
    used.add(token);
    const number = request.version + 1;
    const expiresAt = new Date(now() + 3_600_000);
    return {
      status: 'refreshed',
      material: oauth2({ accessToken: `access-${number}`, refreshToken: `refresh-${number}`, expiresAt }),
    };
  };
  return {
    requests,
    replays: () => replays,
    next: (...answers) => void reactions.push(...answers),
    letGo: () => held?.resolve(),
    refresher: {
      kind: 'oauth2',
      ...options,
      async refresh(request) {
        requests.push(request);
        switch (reactions.shift() ?? 'refresh') {
          case 'refresh':
            return grant(request);
          case 'reject':
            return { status: 'rejected' };
          case 'refuse':
            return { status: 'not-applied' };
          case 'nothing':
            return undefined;
          case 'throw':
            throw new Error('socket hang up');
          case 'hang':
          default:
            held = Promise.withResolvers<void>();
            await held.promise;
            return grant(request);
        }
      },
    },
  };
}
