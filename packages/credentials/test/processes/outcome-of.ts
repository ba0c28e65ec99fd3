import { isCodedError } from '@tenon/core';

/** What came of work, as text: its result as JSON, or the code of its failure and whether it can be tried again. */
export async function outcomeOf(work: Promise<unknown>): Promise<string> {
  try {
    const result = await work;
    return result === undefined ? 'undefined' : JSON.stringify(result);
  } catch (error) {
    return isCodedError(error) ? `${error.code} ${error.retryable}` : String(error);
  }
}
