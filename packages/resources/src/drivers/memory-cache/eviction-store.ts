/** Entries up to a limit, of which one is put out when another one needs its place. Every operation is O(1). */
export interface EvictionStore<Entry> {
  readonly size: number;
  /** Counts as a use. */
  get(key: string): Entry | undefined;
  /** Does not count as a use. */
  peek(key: string): Entry | undefined;
  /** @param onEvicted - called for the entry that was put out to make place */
  set(key: string, entry: Entry, onEvicted: () => void): void;
  delete(key: string): boolean;
  clear(): void;
}
