export { keyValueStoreContract } from './key-value-store-contract.ts';
export type { ContractCheck, OpenStore, StoreRequest, StoreUnderTest } from './contract-check.ts';
