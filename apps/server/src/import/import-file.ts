import { basename, resolve } from 'node:path';
import type { Services } from '../services.ts';
import { serverError } from '../errors.ts';
import type { ImportKind } from './import-kind.ts';
import { beginImport, type ImportProgress, type ImportState } from './import-progress.ts';
import { formatOf, openImportSource, type ImportFormat, type ImportSource } from './import-source.ts';
import { readAhead, readBatches, type Batch } from './read-batches.ts';
import { openRejectsFile, rejectsSize, type RejectsFile } from './rejects-file.ts';
import { writeBatch, type BatchOutcome } from './write-batch.ts';
import { writeInOrder } from './write-in-order.ts';

/** How far a running import is. */
export interface ImportStep {
  /** Bytes of the file that are done. */
  readonly bytes: number;
  readonly totalBytes: number;
  /** Rows of the file that are done, those of an earlier run that was stopped included. */
  readonly rows: number;
  /** Products, people or orders that were not imported. */
  readonly rejected: number;
}

/** What {@link importFile} takes. */
export interface ImportFileOptions {
  readonly services: Services;
  readonly kind: ImportKind;
  /** A regular file in UTF-8. */
  readonly file: string;
  /** Default: by the extension, `.csv`, `.ndjson` or `.jsonl`. */
  readonly format?: ImportFormat;
  /** Where rejected rows are written. Default: the file's name with `.rejects.csv`, in the current folder. */
  readonly rejectsFile?: string;
  /** How many products, people or orders are written in one transaction, 1 to 10,000. Default 250. */
  readonly batchSize?: number;
  /** Stops the import after the batch at hand. */
  readonly signal?: AbortSignal;
  /** Told after each batch. */
  readonly onProgress?: (step: ImportStep) => void;
}

/** What an import did. The four counts are of products, people or orders; an order may be many rows. */
export interface ImportFileReport {
  /** Rows of the file, without the header. */
  readonly rows: number;
  readonly created: number;
  readonly updated: number;
  /** Were there already, exactly like this. */
  readonly unchanged: number;
  /** Were not imported; the rejects file says why. */
  readonly rejected: number;
  /** Absolute path. Undefined: nothing was rejected, and there is no file. */
  readonly rejectsFile: string | undefined;
  /** How many rows an earlier run had done that was stopped; the counts include them. 0: this one began at the start. */
  readonly resumedFrom: number;
  readonly durationMs: number;
}

/** How many products, people or orders are written in one transaction, unless something else is said. */
// More of them live long enough for the collector to keep them: that takes more memory and is no faster.
const DEFAULT_BATCH_SIZE = 250;
const MAX_BATCH_SIZE = 10_000;
const CONCURRENCY = 2;

/**
 * Imports a file into the context's tenant: products by sku, people by email address, orders by external id. Rows that are
 * wrong are written to the rejects file and the rest is taken. Memory does not grow with the file.
 *
 * Running it twice changes nothing the second time. After a run that was stopped or killed, the next one with the same
 * content goes on behind the last batch that was recorded; one that was written and not recorded is written again, which
 * counts its rows as unchanged.
 *
 * @example
 * ```ts
 * const report = await runAs({ tenant: 'acme', actor: { type: 'system', id: 'import' } }, () =>
 *   importFile({ services, kind: 'products', file: 'products.csv' }),
 * );
 * ```
 * @throws `TENANT_REQUIRED`, `TENANT_NOT_FOUND`, `IMPORT_OPTIONS_INVALID`, `IMPORT_FORMAT_UNKNOWN`, `IMPORT_FILE_UNREADABLE`, `IMPORT_COLUMNS_INVALID`,
 *   `IMPORT_REJECTS_UNWRITABLE` before anything is imported; `IMPORT_FILE_CHANGED`, `IMPORT_TAKEN_OVER`, `IMPORT_STOPPED`, and
 *   what the database throws, later: what was imported until then stays
 */
export async function importFile(options: ImportFileOptions): Promise<ImportFileReport> {
  await options.services.tenancy.tenants.current();
  const batchSize = checkBatchSize(options.batchSize ?? DEFAULT_BATCH_SIZE);
  const startedMs = performance.now();
  const file = resolve(options.file);
  const rejectsFile = resolve(options.rejectsFile ?? `${basename(file)}.rejects.csv`);
  const { services, kind } = options;
  const source = await openImportSource(kind, file, options.format ?? formatOf(file), options.signal);
  let rejects: RejectsFile | undefined;
  try {
    const progress = await beginImport({
      database: services.database,
      kind,
      fingerprint: source.fingerprint,
      file,
      rejectsFile,
      start: source.start,
      rejectsBytes: await rejectsSize(rejectsFile),
    });
    rejects = await openRejectsFile(rejectsFile, progress.state.rejectsBytes);
    const state = await importBatches({ ...options, source, progress, rejects, batchSize });
    await source.assertUnchanged();
    await progress.save(state, { finished: true });
    // Plans for many new rows need statistics of them. Without that the import is no less done.
    await services.database.maintain().catch(() => undefined);
    return {
      rows: state.rows,
      created: state.created,
      updated: state.updated,
      unchanged: state.unchanged,
      rejected: state.rejected,
      rejectsFile: state.rejected > 0 ? rejectsFile : undefined,
      resumedFrom: progress.state.rows,
      durationMs: Math.round(performance.now() - startedMs),
    };
  } finally {
    await rejects?.close();
    await source.close();
  }
}

function checkBatchSize(size: number): number {
  if (Number.isInteger(size) && size >= 1 && size <= MAX_BATCH_SIZE) return size;
  throw serverError('IMPORT_OPTIONS_INVALID', `the batch size must be a whole number from 1 to ${MAX_BATCH_SIZE}`);
}

interface Run extends ImportFileOptions {
  readonly source: ImportSource;
  readonly progress: ImportProgress;
  readonly rejects: RejectsFile;
  readonly batchSize: number;
}

async function importBatches(run: Run): Promise<ImportState> {
  const { source, progress, rejects, kind } = run;
  let { state } = progress;
  const batches = readBatches({
    source,
    from: state.position,
    // Whether an order's rows stand apart cannot be told without those before.
    readBefore: kind === 'orders',
    size: run.batchSize,
  });
  const tell = (): void =>
    run.onProgress?.({
      bytes: state.position.offset,
      totalBytes: source.sizeBytes,
      rows: state.rows,
      rejected: state.rejected,
    });
  tell();
  const end = await writeInOrder({
    kind,
    batches: readAhead(batches),
    // The embedded database has one connection; a second one must be free to record progress.
    concurrency: run.services.database.statistics().max > 1 ? CONCURRENCY : 1,
    write: (batch) => writeBatch(run.services, kind, batch.entries, source.nameOf),
    written: async (batch, outcome) => {
      await rejects.append(outcome.rejected);
      state = advance(state, batch, outcome, rejects.bytes());
      await progress.save(state);
      tell();
    },
    isStopped: () => run.signal?.aborted === true,
  });
  if (end === 'stopped') throw stopped(run, state);
  return state;
}

function advance(state: ImportState, batch: Batch, outcome: BatchOutcome, rejectsBytes: number): ImportState {
  return {
    position: batch.end,
    rows: state.rows + batch.rows,
    created: state.created + outcome.created,
    updated: state.updated + outcome.updated,
    unchanged: state.unchanged + outcome.unchanged,
    rejected: state.rejected + outcome.rejected.length,
    rejectsBytes,
  };
}

function stopped(run: Run, state: ImportState): Error {
  return serverError(
    'IMPORT_STOPPED',
    `the import of "${run.file}" was stopped after ${state.rows} rows. Import the file again, and it goes on from there`,
    { cause: run.signal?.reason, details: { rows: state.rows } },
  );
}
