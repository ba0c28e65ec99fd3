const WIDTH = 20;

/** What a bar shows. */
export interface BarState {
  readonly title: string;
  /** From 0 to 1. */
  readonly fraction: number;
  readonly rows: number;
  readonly rejected: number;
  /** The word for those. Default `rejected`. */
  readonly rejectedAs?: string;
  readonly elapsedMs: number;
  /** All rows, once they are known. */
  readonly totalRows?: number;
}

/** A progress bar in one line: `products  ██████████░░░░░░░░░░ 500,000   0 rejected   14.2 s`. */
export function formatBar(state: BarState): string {
  const { title, fraction, rows, rejected, rejectedAs = 'rejected', elapsedMs, totalRows } = state;
  const full = Math.round(Math.min(1, Math.max(0, fraction)) * WIDTH);
  const count = totalRows === undefined ? formatCount(rows) : `${formatCount(rows)}/${formatCount(totalRows)}`;
  const bar = '█'.repeat(full) + '░'.repeat(WIDTH - full);
  return `${title}  ${bar} ${count}   ${formatCount(rejected)} ${rejectedAs}   ${formatSeconds(elapsedMs)}`;
}

/** With thousands apart. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** In seconds with one decimal place. */
export function formatSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
