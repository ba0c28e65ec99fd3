/**
 * When a credential should be rotated. Several can be attached; the first that triggers wins. All durations are milliseconds.
 *
 * - `periodic`: `intervalMs` after the last rotation or the creation, moved by up to a tenth either way with `jitter`.
 * - `before-expiry`: when `thresholdShare` of the lifetime is over, or `minimumMs` or less are left.
 * - `scheduled`: at the moments of a cron expression of five fields in UTC, or once at a moment.
 * - `manual`: never by itself.
 */
export type RotationPolicy =
  | { readonly type: 'periodic'; readonly intervalMs: number; readonly jitter?: boolean; readonly graceMs?: number }
  | {
      readonly type: 'before-expiry';
      readonly thresholdShare?: number;
      readonly minimumMs?: number;
      readonly graceMs?: number;
    }
  | { readonly type: 'scheduled'; readonly cron?: string; readonly at?: number; readonly graceMs?: number }
  | { readonly type: 'manual'; readonly graceMs?: number };
