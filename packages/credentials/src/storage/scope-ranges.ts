/** Scopes from one to before another, in the order of their bytes. */
export interface ScopeRange {
  readonly from: string;
  /** The first that is not in it. */
  readonly to: string;
}

/**
 * The ranges in which a scope and all below it lie, in their order, and nothing else. Two, because between `org:a` and `org:a/team:b` comes
 * `org:a-c`: the next byte after `/` is `0`.
 *
 * @param within - absent: one range of every scope there can be
 */
export function scopeRanges(within: string | undefined): readonly ScopeRange[] {
  if (within === undefined) return [{ from: '', to: '\x7f' }];
  return [
    { from: within, to: `${within}\0` },
    { from: `${within}/`, to: `${within}0` },
  ];
}
