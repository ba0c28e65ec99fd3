import { isCodedError } from '@tenon/core';

/** The code of the error that `work` throws, or `nothing was thrown`. Any other error passes through. */
export function codeOf(work: () => unknown): string {
  return thrownBy(work)?.code ?? 'nothing was thrown';
}

/** The coded error that `work` throws, if any. Any other error passes through. */
export function thrownBy(
  work: () => unknown,
): (Error & { readonly code: string; readonly details: unknown }) | undefined {
  try {
    work();
  } catch (error) {
    if (isCodedError(error)) return error;
    throw error;
  }
  return undefined;
}
