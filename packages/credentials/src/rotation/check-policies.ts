import type { InputProblem } from '@tenon/core';
import { Cron } from 'croner';
import type { RotationPolicy } from './rotation-policy.ts';

const MAX_POLICIES = 10;
const MAX_INTERVAL_MS = 3_155_760_000_000; // 100 years

/** What is wrong with policies: everything at once. */
export function policyProblems(policies: readonly RotationPolicy[]): readonly InputProblem[] {
  if (policies.length > MAX_POLICIES) {
    return [{ path: '/policies', code: 'too_many', message: `must be at most ${MAX_POLICIES}` }];
  }
  return policies.flatMap((policy, index) =>
    problemsOf(policy).map((message) => ({ path: `/policies/${index}`, code: 'invalid', message })),
  );
}

function problemsOf(policy: RotationPolicy): readonly string[] {
  const problems: string[] = [];
  const check = (name: string, value: number | undefined, least: number): void => {
    if (value === undefined || (Number.isFinite(value) && value >= least && value <= MAX_INTERVAL_MS)) return;
    problems.push(`${name} must be a number of milliseconds from ${least}`);
  };
  check('graceMs', policy.graceMs, 0);
  switch (policy.type) {
    case 'periodic':
      check('intervalMs', policy.intervalMs ?? Number.NaN, 1);
      break;
    case 'before-expiry': {
      const { thresholdShare: share, minimumMs } = policy;
      if (share !== undefined && !(share > 0 && share <= 1))
        problems.push('thresholdShare must be above 0 and at most 1');
      check('minimumMs', minimumMs, 0);
      if (share === undefined && minimumMs === undefined) problems.push('needs thresholdShare or minimumMs');
      break;
    }
    case 'scheduled':
      if ((policy.cron === undefined) === (policy.at === undefined)) problems.push('needs either cron or at');
      check('at', policy.at, 0);
      if (policy.cron !== undefined && !isCron(policy.cron)) problems.push('cron must be an expression of five fields');
      break;
    case 'manual':
      break;
    default:
      policy satisfies never;
      problems.push('type must be "periodic", "before-expiry", "scheduled" or "manual"');
  }
  return problems;
}

function isCron(expression: unknown): boolean {
  if (typeof expression !== 'string' || expression.length > 256 || expression.trim().split(/\s+/).length !== 5)
    return false;
  try {
    return new Cron(expression, { timezone: 'UTC', paused: true }).nextRun() !== null;
  } catch {
    return false;
  }
}
