// What a program needs that works with the services and answers no requests: without the libraries of HTTP, which take longer
// to load than such a program runs.
export { allMigrations, compose } from './compose.ts';
export { addKeyToFile, assertKeysInFile, loadKeys } from './keys.ts';
export { createLogger } from './logging.ts';
export { describeSettings, renderEnvExample, renderSettingsTable } from './settings/describe-settings.ts';
export { openDeclaredResources } from './resources/declared-resources.ts';
export { loadSettings } from './settings/load-settings.ts';
