import type { Logger } from '@tenon/core';
import type { Database } from '@tenon/database';

/** What the services are made of; nothing is left open. */
export interface ServiceConfig {
  readonly database: Database;
  readonly newId: () => string;
  /** Now, as it is stored. */
  readonly now: () => Date;
  readonly logger: Logger;
}
