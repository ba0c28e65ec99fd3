import { isCodedError } from '@tenon/core';
import type { Services, Settings } from '@tenon/server';
import type { Finding } from './finding.ts';

/** Looks whether Redis answers, where one is set. */
export async function checkRedis(settings: Settings, { kv }: Services): Promise<Finding> {
  const name = 'Redis';
  if (settings.redisUrl === undefined) {
    return { name, state: 'warning', text: 'not set: short-lived state is kept in the database' };
  }
  try {
    await kv.get('doctor');
    return { name, state: 'ok', text: 'answers' };
  } catch (error) {
    if (!isCodedError(error)) throw error;
    const todo = 'check that Redis runs, and TENON_REDIS_URL; without the setting, the database does its work';
    return { name, state: 'failed', text: error.message, todo };
  }
}
