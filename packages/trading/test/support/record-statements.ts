import type { Database, Tx } from '@tenon/database';
import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type CompiledQuery,
} from 'kysely';

/** A statement as it would be sent. */
export interface RecordedStatement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** A database that sends nothing and finds nothing: it keeps the statements that it is given. */
export interface RecordingDatabase {
  readonly database: Database;
  /** Takes out what was recorded so far. */
  take(): readonly RecordedStatement[];
}

/** Makes a database that only records. */
export function recordStatements(): RecordingDatabase {
  let statements: RecordedStatement[] = [];
  const recorder = new Kysely<unknown>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    log: ({ query }: { readonly query: CompiledQuery }) => {
      statements.push({ sql: query.sql, parameters: query.parameters });
    },
  });
  const run = <T>(work: (tx: Tx<unknown>) => Promise<T>): Promise<T> => work(recorder as Tx<unknown>);
  return {
    database: { withTenant: run, withSystem: (_: string, work: never) => run(work) } as unknown as Database,
    take() {
      const taken = statements;
      statements = [];
      return taken;
    },
  };
}
