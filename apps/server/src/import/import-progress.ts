import { newId } from '@tenon/core';
import type { Database } from '@tenon/database';
import { serverError } from '../errors.ts';
import type { ImportKind } from './import-kind.ts';
import type { Position } from './read-lines.ts';

/** How far an import is, and what became of the rows until there. */
export interface ImportState {
  /** Where the next row begins. */
  readonly position: Position;
  readonly rows: number;
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly rejected: number;
  /** How long the rejects file is. */
  readonly rejectsBytes: number;
}

/** The record of one import in the database. */
export interface ImportProgress {
  /** Where to begin. */
  readonly state: ImportState;
  /**
   * Writes down how far the import is.
   *
   * @throws `IMPORT_TAKEN_OVER` when another process has begun to import the same file meanwhile
   */
  save(state: ImportState, options?: { readonly finished: boolean }): Promise<void>;
}

/** What {@link beginImport} takes. */
export interface BeginImportOptions {
  readonly database: Database;
  readonly kind: ImportKind;
  readonly fingerprint: string;
  /** Absolute paths. */
  readonly file: string;
  readonly rejectsFile: string;
  /** Where the first row begins. */
  readonly start: Position;
  /** How long the rejects file is now. */
  readonly rejectsBytes: number;
}

interface ImportRow {
  readonly kind: string;
  readonly fingerprint: string;
  readonly run_id: string;
  readonly file: string;
  readonly byte_offset: number;
  readonly line_number: number;
  readonly row_count: number;
  readonly created_count: number;
  readonly updated_count: number;
  readonly unchanged_count: number;
  readonly rejected_count: number;
  readonly rejects_file: string;
  readonly rejects_bytes: number;
  readonly started_at: Date;
  readonly updated_at: Date;
  readonly finished_at: Date | null;
}

/**
 * Begins an import, or goes on with one that was stopped: the same content, not finished, and its rejects file still there.
 * Everything else begins at the start, and an unfinished import of what the file held before is forgotten.
 */
export async function beginImport(options: BeginImportOptions): Promise<ImportProgress> {
  const { kind, fingerprint, file, rejectsFile } = options;
  const database = options.database.withTables<{ readonly imports: ImportRow }>();
  const runId = newId();
  const state = await database.withTenant(async (tx) => {
    await tx
      .deleteFrom('imports')
      .where('kind', '=', kind)
      .where('file', '=', file)
      .where('fingerprint', '<>', fingerprint)
      .where('finished_at', 'is', null)
      .execute();
    const row = await tx
      .selectFrom('imports')
      .selectAll()
      .where('kind', '=', kind)
      .where('fingerprint', '=', fingerprint)
      .executeTakeFirst();
    const begin = row !== undefined && canGoOn(row, options) ? toState(row) : fresh(options.start);
    const now = new Date();
    const values = {
      ...toColumns(begin),
      run_id: runId,
      file,
      rejects_file: rejectsFile,
      updated_at: now,
      finished_at: null,
    };
    await tx
      .insertInto('imports')
      .values({ ...values, kind, fingerprint, started_at: now })
      .onConflict((conflict) => conflict.columns(['tenant_id' as never, 'kind', 'fingerprint']).doUpdateSet(values))
      .execute();
    return begin;
  });
  return {
    state,
    save: (next, { finished } = { finished: false }) =>
      database.withTenant(async (tx) => {
        const now = new Date();
        const { numUpdatedRows } = await tx
          .updateTable('imports')
          .set({ ...toColumns(next), updated_at: now, finished_at: finished ? now : null })
          .where('kind', '=', kind)
          .where('fingerprint', '=', fingerprint)
          .where('run_id', '=', runId)
          .executeTakeFirst();
        if (numUpdatedRows === 1n) return;
        throw serverError('IMPORT_TAKEN_OVER', `another process imports "${file}" now; this one leaves it the rest`);
      }),
  };
}

function canGoOn(row: ImportRow, { rejectsFile, rejectsBytes }: BeginImportOptions): boolean {
  // Without the rejects that were told until then, the list of them would be incomplete.
  const hasRejects = row.rejects_bytes === 0 || (row.rejects_file === rejectsFile && rejectsBytes >= row.rejects_bytes);
  return row.finished_at === null && hasRejects;
}

function fresh(position: Position): ImportState {
  return { position, rows: 0, created: 0, updated: 0, unchanged: 0, rejected: 0, rejectsBytes: 0 };
}

function toState(row: ImportRow): ImportState {
  return {
    position: { offset: row.byte_offset, line: row.line_number },
    rows: row.row_count,
    created: row.created_count,
    updated: row.updated_count,
    unchanged: row.unchanged_count,
    rejected: row.rejected_count,
    rejectsBytes: row.rejects_bytes,
  };
}

function toColumns(state: ImportState) {
  return {
    byte_offset: state.position.offset,
    line_number: state.position.line,
    row_count: state.rows,
    created_count: state.created,
    updated_count: state.updated,
    unchanged_count: state.unchanged,
    rejected_count: state.rejected,
    rejects_bytes: state.rejectsBytes,
  };
}
