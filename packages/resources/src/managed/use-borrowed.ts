import type { Borrowed } from './resource-services.ts';

/** Works with what is borrowed, and gives it back whatever happens. A failure of the work counts against the instance. */
export async function useBorrowed<Face extends object, Result>(
  borrowing: Promise<Borrowed<Face>>,
  work: (borrowed: Borrowed<Face>) => Result | Promise<Result>,
): Promise<Result> {
  await using borrowed = await borrowing;
  try {
    return await work(borrowed);
  } catch (error) {
    borrowed.lease.release({ failed: true });
    throw error;
  }
}
