// Signing in, which is slow on purpose (bcrypt at the default cost of 12), on PostgreSQL: how many a second and how long each takes with
// few people at the door, and what a storm of them does to everyone else. Goals: p95 of reads below 200 ms during the storm, and
// what cannot be served is refused at once with 503. There is no peer.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compose, loadSettings } from '@tenon/server';
import { machine, progress, sized, type BenchResult } from './result.ts';
import { startChildServer } from './support/child-server.ts';
import { load, type LoadRequest } from './support/load.ts';
import { addPeople, emailOf, PASSWORD, signInAll } from './support/people.ts';
import { createThrowAwayDatabase } from './support/throw-away-database.ts';

const PEOPLE = sized(50, 2);
const SECONDS = sized(20, 1);
const FEW = 2;
const STORM = 100;
const READERS = 20;

const rounded = (value: number): number => Math.round(value * 10) / 10;

async function prepare(environment: Readonly<Record<string, string>>): Promise<void> {
  const composition = await compose(loadSettings(environment).settings);
  try {
    await composition.ready();
    await addPeople(composition.services, PEOPLE);
  } finally {
    await composition.stop();
  }
}

/** Runs the bench: about two minutes. */
export async function run(): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-bench-'));
  const database = await createThrowAwayDatabase();
  const environment = { TENON_DATA_DIR: folder, TENON_DATABASE_URL: database.url };
  try {
    progress(`registering ${PEOPLE} people`);
    await prepare(environment);
    const server = await startChildServer('bench/rest/tenon-server.ts', { ...environment, TENON_PORT: '0' });
    try {
      return await measure(server.url);
    } finally {
      await server.stop();
    }
  } finally {
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(url: string): Promise<BenchResult> {
  const [token = ''] = await signInAll(url, 1);
  const signIn: LoadRequest = {
    method: 'POST',
    url: `${url}/auth/login`,
    choices: Array.from({ length: PEOPLE }, (_, person) => emailOf(person)),
    body: `{"email":"{choice}","password":"${PASSWORD}"}`,
  };
  const read: LoadRequest = {
    method: 'GET',
    url: `${url}/auth/me`,
    headers: [{ authorization: `Bearer ${token}` }],
  };
  progress(`${FEW} people at a time sign in for ${SECONDS} s`);
  const alone = await load(signIn, { connections: FEW, seconds: SECONDS });
  progress(`${READERS} connections read for ${SECONDS} s`);
  const calm = await load(read, { connections: READERS, seconds: SECONDS });
  progress(`the same while ${STORM} connections sign in`);
  const [storm, disturbed] = await Promise.all([
    load(signIn, { connections: STORM, seconds: SECONDS }),
    load(read, { connections: READERS, seconds: SECONDS }),
  ]);
  return {
    name: 'sign-in',
    unit: '',
    ours: {
      'sign-ins/s': rounded(alone.requestsPerSecond),
      'sign-in p50 ms': rounded(alone.p50),
      'sign-in p95 ms': rounded(alone.p95),
      'sign-in failures': alone.failures,
      'reads/s': rounded(calm.requestsPerSecond),
      'read p95 ms': rounded(calm.p95),
      'storm sign-ins/s': rounded(storm.requestsPerSecond),
      'storm sign-ins refused': storm.failures,
      'storm reads/s': rounded(disturbed.requestsPerSecond),
      'storm read p95 ms': rounded(disturbed.p95),
      'storm read failures': disturbed.failures,
    },
    peers: {},
    ratios: {},
    runs: 1,
    machine: machine(),
  };
}
