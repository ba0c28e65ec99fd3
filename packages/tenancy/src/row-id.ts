const ROW_ID = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Tells whether text can be the id of a row. What cannot is looked for nowhere: the database refuses some of it (NUL) with
 * an error, and a missing row must look the same for every id.
 */
export function isRowId(text: string): boolean {
  return ROW_ID.test(text);
}
