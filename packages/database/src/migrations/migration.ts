/** One numbered SQL file. */
export interface Migration {
  /** From 1, without gaps. */
  readonly version: number;
  /** What it does, from the file's name. */
  readonly name: string;
  /** One or more statements. They run in one transaction with the record that they ran. */
  readonly sql: string;
}

/** The migrations of one package. */
export interface MigrationSet {
  /** The package's noun, for example `tenancy`. It is recorded, so it never changes. */
  readonly name: string;
  /** Numbered from 1, append-only. */
  readonly migrations: readonly Migration[];
}

/** What a run did. */
export interface MigrationReport {
  /** Files applied by this run, as `set/version_name`, in order. */
  readonly applied: readonly string[];
  /** Files that the database has in all. */
  readonly total: number;
}
