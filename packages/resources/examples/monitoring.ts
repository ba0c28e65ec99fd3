/**
 * Looking at resources: what happens as it happens, figures, health with quarantine and recovery, advice about sizes, and alerts.
 *
 * Run: node --conditions=@tenon/source packages/resources/examples/monitoring.ts
 */
import { readFileSync } from 'node:fs';
import { isCodedError } from '@tenon/core';
import { createTestClock } from '@tenon/core/testing';
import { createResources, defineResource } from '@tenon/resources';

const clock = createTestClock(); // so that minutes pass at once
let isUp = true;
const database = defineResource({
  name: 'database',
  technology: 'postgres',
  pool: { max: 2 },
  health: { intervalMs: 30_000, failureThreshold: 2, initialDelayMs: 1_000, successesNeeded: 1 },
  create: () => ({ query: () => 1 }),
  check: () => isUp,
});
await using resources = createResources({ define: [database], clock, random: () => 0.5 });

// Each event, at once. `resources.events({ signal })` is for readers that take their time: bounded, the oldest dropped.
resources.onEvent((event) => {
  if (event.type === 'state-changed') console.log(`  ${event.resource}: ${event.from} -> ${event.to}`);
  if (event.type === 'health-changed') console.log(`  ${event.resource} is ${event.to}, and was ${event.from}`);
  if (event.type === 'quarantined') console.log(`  quarantined: ${event.reason}; a try in ${event.retryInMs} ms`);
  if (event.type === 'recovered') console.log(`  recovered, after ${event.attempts} tries in vain`);
});

console.log('a minute of work:');
await resources.use(database, ({ value }) => value.query());
await clock.advance(60_000);

console.log('the server is down for a minute:');
isUp = false;
await clock.advance(62_000);
try {
  await resources.acquire(database);
} catch (error) {
  console.log('refused at once:', isCodedError(error) && `${error.code}, again in ${error.retryAfterMs} ms`);
}
const { worst, score, byTechnology } = resources.health();
console.log('health:', worst, score, 'of', Object.keys(byTechnology).join());

console.log('it is back:');
isUp = true;
await clock.advance(10_000);
const [newest] = resources.healthHistory(database);
console.log('history:', resources.healthHistory(database).length, 'looks, the last one', newest?.health.status);

// Figures, and what they say about the size.
{
  const held = await resources.acquire(database);
  for (let turn = 0; turn < 1_000; turn += 1) await resources.use(database, ({ value }) => value.query());
  const [view] = resources.list();
  const { active, idle, waiting, peakActive, acquisitions } = view?.pool ?? {};
  console.log('figures:', { active, idle, waiting, peakActive, acquisitions });
  held.lease.release();
  console.log('advice:', view?.recommendation.action, 'to', view?.recommendation.max);
}

// What Prometheus can call somebody for. The metrics are those of OpenTelemetry, through whichever SDK is installed.
const rules = readFileSync(new URL('../../../ops/alerts/resources.rules.yml', import.meta.url), 'utf8');
console.log('alerts:', [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name).join(', '));
