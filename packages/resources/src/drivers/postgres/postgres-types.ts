import pg from 'pg';
import { exactNumber } from '../sql/exact-number.ts';
import type { FullSqlSettings } from '../sql/sql-settings.ts';

// As numbers: what comes from the server is one.
const INT8: number = pg.types.builtins.INT8;
const DATE: number = pg.types.builtins.DATE;

/** How values in text become values here. The rest is as `pg` does it. */
export function postgresTypes(resource: string, bigints: FullSqlSettings['bigints']): pg.CustomTypesConfig {
  const asNumber = (text: string): number => exactNumber(resource, text);
  const int8 = { number: asNumber, string: String, bigint: BigInt }[bigints];
  return {
    getTypeParser(oid: number, format?: 'text' | 'binary') {
      if (format !== 'binary' && oid === INT8) return int8;
      // A day has no time zone; pg would make it midnight of wherever the process runs.
      if (format !== 'binary' && oid === DATE) return String;
      return pg.types.getTypeParser(oid, format);
    },
  };
}
