export { describeCredentialStorage } from './credential-storage-contract.ts';
export type { DescribeOptions } from './credential-storage-contract.ts';
export type { OpenStorage, StorageCapabilities, StorageUnderTest } from './contract-check.ts';
export { fullRecord, sampleRecord, sampleVersion } from './sample-record.ts';
export type { SampleOptions } from './sample-record.ts';
export { scriptedStorage } from './scripted-storage.ts';
export type {
  HeldCall,
  RecordedCall,
  ScriptedBehaviour,
  ScriptedCalls,
  ScriptedOptions,
  ScriptedStorage,
  StorageOperation,
} from './scripted-storage.ts';
