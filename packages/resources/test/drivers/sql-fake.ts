import {
  defineSqlResource,
  type SqlConnection,
  type SqlDriver,
  type SqlFace,
  type SqlOptions,
  type SqlResult,
  type SqlSettings,
} from '@tenon/resources/drivers/sql';
import type { ResourceToken } from '@tenon/resources';

/** A failure of the made-up library. Its code is the kind of failure that the dialect makes of it. */
export class FakeFailure extends Error {
  readonly kind: 'lost' | 'ended' | 'stopped' | 'deadlock' | 'conflict' | 'failed' | 'unavailable' | 'access-denied';
  constructor(kind: FakeFailure['kind']) {
    super(`canary: ${kind}`);
    this.kind = kind;
  }
}

/** A connection in memory that does what a test says. */
export interface FakeConnection {
  /** The statements that came, in their order. */
  readonly texts: string[];
  isDestroyed: boolean;
  hasEnded: boolean;
  isInTransaction: boolean;
  resets: number;
  cancels: number;
  /** What becomes of a statement. Default: an empty result. A promise that never settles hangs it. */
  answer: (text: string) => Promise<Partial<SqlResult>> | Partial<SqlResult>;
  /** What becomes of a request to stop. Default: what hangs fails as stopped. */
  cancel: () => Promise<void>;
  /** Fails the statement that hangs. */
  fail(kind: FakeFailure['kind']): void;
}

/** A driver without a server, and the connections that it made. */
export function fakeSql(
  options: SqlOptions = {},
  dialect: Partial<SqlDriver<FakeConnection>['dialect']> = {},
): {
  readonly token: ResourceToken<SqlFace<FakeConnection>, SqlSettings>;
  readonly made: FakeConnection[];
} {
  const made: FakeConnection[] = [];
  const driver: SqlDriver<FakeConnection> = {
    dialect: {
      technology: 'fake',
      traces: /\bset_config\b/,
      serverInfo: 'who are you',
      begin: ({ readOnly }) => [readOnly === true ? 'begin read only' : 'begin'],
      failureOf: (thrown) => ({
        kind: thrown instanceof FakeFailure ? thrown.kind : 'failed',
        code: 'F0001',
        isMessageSafe: false,
      }),
      ...dialect,
    },
    protocols: ['fake:'],
    standardPort: 1,
    async connect({ target }) {
      const { fake, connection } = makeConnection(target);
      made.push(fake);
      return connection;
    },
  };
  return {
    token: defineSqlResource('fake-db', { user: 'tester', ...options }, driver),
    made,
  };
}

function makeConnection(target: SqlConnection<FakeConnection>['target']): {
  fake: FakeConnection;
  connection: SqlConnection<FakeConnection>;
} {
  let hanging: ((error: Error) => void) | undefined;
  const fake: FakeConnection = {
    texts: [],
    isDestroyed: false,
    hasEnded: false,
    isInTransaction: false,
    resets: 0,
    cancels: 0,
    answer: () => ({}),
    cancel: async () => fake.fail('stopped'),
    fail: (kind) => hanging?.(new FakeFailure(kind)),
  };
  const connection: SqlConnection<FakeConnection> = {
    client: fake,
    system: 'fake',
    target,
    run(text) {
      fake.texts.push(text);
      if (fake.isDestroyed) return Promise.reject(new FakeFailure('ended'));
      return new Promise((resolve, reject) => {
        hanging = reject;
        Promise.resolve(fake.answer(text)).then(
          (result) => resolve({ rows: [], rowCount: 0, fields: [], ...result }),
          reject,
        );
      });
    },
    isBroken: () => fake.isDestroyed,
    isInTransaction: () => fake.isInTransaction,
    cancel() {
      fake.cancels += 1;
      return fake.cancel();
    },
    async resetSession() {
      fake.resets += 1;
    },
    async end() {
      fake.hasEnded = true;
    },
    destroy() {
      fake.isDestroyed = true;
      fake.fail('lost');
    },
  };
  return { fake, connection };
}
