import type { Tx } from '@tenon/database';

/** A limit of a tenant and how much of it is used. */
export interface Quota {
  readonly name: string;
  readonly max: number;
  readonly used: number;
}

/** Limits of the context's tenant. A name without a limit is unlimited, and is not counted. */
export interface Quotas {
  /**
   * Sets or lifts a limit. For operators: it runs with system rights for the context's tenant. A limit below what is used
   * takes nothing away; it only stops further use. The quota `users` starts from the people there are, others from 0.
   *
   * @param name - 1 to 64 lower-case letters, digits, `-`, `_` or `.`
   * @param max - whole number from 0, or `null` to lift the limit
   * @throws `QUOTA_INVALID`, `TENANT_NOT_FOUND`
   */
  set(name: string, max: number | null): Promise<void>;
  /** All limits, by name. */
  list(): Promise<readonly Quota[]>;
  /**
   * Takes an amount, in the caller's transaction: rolled back, it was never taken. Others who want the same quota wait
   * for the transaction's end, so reserve late in it.
   *
   * @param amount - whole number from 0
   * @throws `QUOTA_EXCEEDED` with `details` `quota`, `max`, `used`, `requested`; `QUOTA_INVALID`
   */
  reserve<Tables>(tx: Tx<Tables>, name: string, amount: number): Promise<void>;
  /** Gives an amount back; never below zero. @throws `QUOTA_INVALID` */
  release<Tables>(tx: Tx<Tables>, name: string, amount: number): Promise<void>;
}
