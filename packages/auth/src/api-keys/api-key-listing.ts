import { defineListing, type Listing } from '@tenon/database';
import type { StoredApiKey } from './api-key-rows.ts';

/** How API keys can be filtered, sorted and paged: by when they were made. */
export const apiKeyListing: Listing<StoredApiKey> = defineListing<StoredApiKey>({
  resource: 'api-keys',
  table: 'api_keys',
  fields: {
    createdAt: { column: 'created_at', type: 'timestamp', operators: ['gt', 'gte', 'lt', 'lte'], sortable: true },
  },
  defaultSort: '-createdAt',
});
