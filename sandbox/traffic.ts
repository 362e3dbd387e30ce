import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { messageOf } from './processes.ts';

export interface User { userId: string; region: string; plan: string; group: 'internal' | 'customer' }

export interface TrafficOptions {
  /** Origin of the inference service. */
  url: string;
  /** JSON Lines with the applicants' features, as training writes them. */
  applicants: string;
  perSecond?: number;
  /** The same seed gives the same users in the same order. */
  seed?: number;
  customers?: number;
  internals?: number;
}

export interface TrafficStats {
  sent: number;
  /** Requests that were not answered with 200, and the last reason. */
  failed: number;
  lastFailure?: string;
  /** Answers of the model switch by assigned arm. */
  arms: Record<string, number>;
}

export interface Traffic {
  users: readonly User[];
  stats(): TrafficStats;
  /** Sends no more and waits for the answers that are due. */
  stop(): Promise<void>;
}

const answerSchema = z.object({ assigned_arm: z.string() });
/** Share of the requests that ask for an explanation. */
const explainShare = 0.1;
/** Share of the requests that come from a tenth of the users, out of turn. */
const busyShare = 0.2;
const tickMs = 50;
const mostOpen = 64;

/** Mulberry32: a small seeded generator of numbers in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function pick<T>(random: () => number, weighted: readonly (readonly [T, number])[]): T {
  let rest = random();
  for (const [value, weight] of weighted) {
    rest -= weight;
    if (rest < 0) return value;
  }
  return (weighted.at(-1) as readonly [T, number])[0];
}

/** The sandbox's users: customers and our own staff. */
export function makeUsers(random: () => number, customers: number, internals: number): User[] {
  const number = (index: number): string => String(index + 1).padStart(4, '0');
  const region = (): string => pick(random, [['eu', 0.4], ['us', 0.45], ['uk', 0.15]]);
  return [
    ...Array.from({ length: customers }, (_, index): User => ({
      userId: `customer-${number(index)}`, region: region(), plan: pick(random, [['free', 0.6], ['plus', 0.3], ['business', 0.1]]), group: 'customer',
    })),
    ...Array.from({ length: internals }, (_, index): User => ({ userId: `staff-${number(index)}`, region: region(), plan: 'plus', group: 'internal' })),
  ];
}

function shuffled<T>(random: () => number, values: readonly T[]): T[] {
  const result = [...values];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [result[last], result[other]] = [result[other] as T, result[last] as T];
  }
  return result;
}

/** Endless order of users: everyone once per round, in a new order each, with busy users in between. */
function* order(random: () => number, users: readonly User[]): Generator<number, never> {
  const indexes = users.map((_, index) => index);
  const busy = shuffled(random, indexes).slice(0, Math.ceil(users.length / 10));
  for (;;) {
    for (const index of shuffled(random, indexes)) {
      while (random() < busyShare) yield busy[Math.floor(random() * busy.length)] ?? 0;
      yield index;
    }
  }
}

/** Starts sending applications of sticky users to the service, evenly paced; never more than 64 requests are open. */
export function startTraffic({ url, applicants, perSecond = 100, seed = 7, customers = 600, internals = 40 }: TrafficOptions): Traffic {
  const random = seededRandom(seed);
  const users = makeUsers(random, customers, internals);
  const turns = order(random, users);
  const features = readFileSync(applicants, 'utf8').trim().split('\n').map((line) => z.record(z.string(), z.number()).parse(JSON.parse(line)));
  const stats: TrafficStats = { sent: 0, failed: 0, arms: {} };
  const open = new Set<Promise<void>>();

  async function send(): Promise<void> {
    const index = turns.next().value;
    const user = users[index] as User;
    // Another loan at each request: what a model is unsure about is then no trait of a user.
    const application = features[(index + stats.sent) % features.length];
    const path = random() < explainShare ? '/explain' : '/predict';
    stats.sent += 1;
    try {
      const body = JSON.stringify({ applicant: { user_id: user.userId, region: user.region, plan: user.plan, group: user.group }, ...application });
      const response = await fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body, signal: AbortSignal.timeout(5_000) });
      if (!response.ok) throw new Error(`${path}: ${response.status} ${(await response.text()).slice(0, 200)}`);
      const { assigned_arm: arm } = answerSchema.parse(await response.json());
      if (path === '/predict') stats.arms[arm] = (stats.arms[arm] ?? 0) + 1;
    } catch (error) {
      stats.failed += 1;
      stats.lastFailure = messageOf(error);
    }
  }

  let last = performance.now();
  let due = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    // At most a second's worth: after a pause (a laptop's sleep) nothing is made up for.
    due = Math.min(due + (now - last) / 1000 * perSecond, perSecond);
    last = now;
    while (due >= 1 && open.size < mostOpen) {
      due -= 1;
      const request: Promise<void> = send().finally(() => open.delete(request));
      open.add(request);
    }
  }, tickMs);

  return {
    users,
    stats: () => ({ ...stats, arms: { ...stats.arms } }),
    async stop(): Promise<void> {
      clearInterval(timer);
      await Promise.all(open);
    },
  };
}
