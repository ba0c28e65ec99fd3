export type { KeyValueStore, WriteOptions } from './key-value-store.ts';
export { namespace } from './namespace.ts';
export { DEFAULT_MAX_VALUE_BYTES, MAX_KEY_BYTES, MAX_TTL_MS } from './entry-limits.ts';
export { kvErrorCodes } from './errors.ts';
export type { KvErrorCode } from './errors.ts';
