import { isCodedError, isUuid, type CodedError, type InputProblem } from '@tenon/core';
import { tradingError, type TradingErrorCode } from './errors.ts';

/** An input that was refused, with every problem in `details.problems`. */
export function inputInvalid(
  code: 'ORDER_INVALID' | 'PRODUCT_INVALID',
  problems: readonly InputProblem[],
): CodedError<TradingErrorCode> {
  const noun = code === 'ORDER_INVALID' ? 'order' : 'product';
  const places = [...new Set(problems.map(({ path }) => path))].slice(0, 5).join(', ');
  return tradingError(
    code,
    `the ${noun} cannot be taken as it is: ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} at ${places === '' ? 'its top' : places}`,
    { details: { problems } },
  );
}

/**
 * The value for an id in a statement: the id, or null, which no row has, for text that is no UUID. The database would refuse
 * some texts (NUL) with an error, and a malformed id must look like one that does not exist.
 */
export function idOrNull(id: string): string | null {
  return isUuid(id) ? id : null;
}

/** The value for an expected version in a statement: null for none given, and one that no row has for what is no version. */
export function versionOrNull(expected: number | undefined): number | null {
  if (expected === undefined) return null;
  return Number.isInteger(expected) && expected > 0 && expected <= 2_147_483_647 ? expected : 0;
}

/** The name of the constraint that the database says was broken. */
export function brokenConstraint(error: unknown): string | undefined {
  if (!isCodedError(error, 'DATABASE_CONFLICT', 'DATABASE_REFERENCE_MISSING')) return undefined;
  const { constraint } = error.details;
  return typeof constraint === 'string' ? constraint : undefined;
}
