import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdminClient, gradual } from '../../sandbox/unleash/admin.ts';
import type { Environment, FlagInput, StrategyInput } from '../../sandbox/unleash/admin.ts';
import { seed } from '../../sandbox/unleash/seed.ts';
import type { Seeded } from '../../sandbox/unleash/seed.ts';
import { removeUnleashData, startUnleash } from '../../sandbox/unleash/start.ts';
import type { RunningUnleash } from '../../sandbox/unleash/start.ts';

/** A real Unleash with the demo's users, tokens, segment and flags, shared by all specs of a mocha process. */
export interface SharedUnleash {
  server: RunningUnleash;
  url: string;
  seeded: Seeded;
  /** Personal access tokens: alice is Admin, eddy Editor, vera Viewer. */
  tokens: { alice: string; eddy: string; vera: string };
  /** Admin clients in the name of each user. */
  as: { alice: AdminClient; eddy: AdminClient; vera: AdminClient };
}

const MOST_LINES = 40;

let shared: { unleash: Promise<SharedUnleash>; dataDir: string } | undefined;

async function start(dataDir: string): Promise<SharedUnleash> {
  const lines: string[] = [];
  const server = await startUnleash({ dataDir, log: (line) => {
    if (lines.push(line) > MOST_LINES) lines.shift();
  } });
  // Every spec after it fails without a connection, and none of them says why.
  void server.ended.then(() => {
    if (shared?.dataDir === dataDir) console.error(`The shared Unleash ended by itself. It said last:\n${lines.join('\n')}`);
  });
  const seeded = await seed(server);
  const { alice, eddy, vera } = seeded.users;
  const client = (token: string): AdminClient => new AdminClient(server.url, token);
  return {
    server, url: server.url, seeded,
    tokens: { alice: alice.token, eddy: eddy.token, vera: vera.token },
    as: { alice: client(alice.token), eddy: client(eddy.token), vera: client(vera.token) },
  };
}

/** The server of this process, started by the first call (5 to 9 s: give the `before` hook a timeout of 60 s) and stopped after all specs. */
export function sharedUnleash(): Promise<SharedUnleash> {
  if (!shared) {
    const dataDir = mkdtempSync(join(tmpdir(), 'modelswitch-test-'));
    // The system user that PostgreSQL runs as, when this is root, passes through.
    chmodSync(dataDir, 0o711);
    shared = { dataDir, unleash: start(dataDir) };
  }
  return shared.unleash;
}

/** Ends the shared server and removes its data. Registered as a root hook by importing this module from a spec. */
export async function stopSharedUnleash(): Promise<void> {
  const ending = shared;
  shared = undefined;
  if (!ending) return;
  const unleash = await ending.unleash.catch(() => undefined);
  await unleash?.server.stop();
  removeUnleashData(ending.dataDir);
}

export interface FreshEnvironment {
  strategies: StrategyInput[] | ((flag: string) => StrategyInput[]);
  on?: boolean;
}

export interface FreshFlag extends Omit<FlagInput, 'name'> {
  /** Beginning of the name; default `flag`. */
  prefix?: string;
  /** Per environment its strategies in order, and whether it is on (default: on when it has a strategy). */
  environments?: Partial<Record<Environment, FreshEnvironment>>;
  /** Flag that must be on for this one. */
  parent?: string;
}

export interface MadeFlag {
  name: string;
  /** Ids of the strategies, in the order given. */
  strategies: Record<Environment, string[]>;
}

const byDefault: FreshFlag['environments'] & object = { production: { strategies: (flag) => [gradual(flag, 25)] } };

/** Makes a flag of a name that no other test has, by eddy. Without `environments`: production on at 25 %, sticky by user. */
export async function freshFlag({ prefix = 'flag', environments, parent, ...flag }: FreshFlag = {}): Promise<MadeFlag> {
  const { eddy } = (await sharedUnleash()).as;
  const name = `${prefix}-${randomBytes(4).toString('hex')}`;
  await eddy.createFlag({ name, ...flag });
  if (parent !== undefined) await eddy.addParent(name, parent);
  const made: MadeFlag = { name, strategies: { development: [], production: [] } };
  for (const environment of ['development', 'production'] as const) {
    const wanted = (environments ?? byDefault)[environment];
    if (!wanted) continue;
    const strategies = typeof wanted.strategies === 'function' ? wanted.strategies(name) : wanted.strategies;
    for (const strategy of strategies) made.strategies[environment].push(await eddy.addStrategy(name, environment, strategy));
    if (wanted.on ?? strategies.length > 0) await eddy.switchEnvironment(name, environment, 'on');
  }
  return made;
}

/** Archives the flags whose names begin so: hundreds of them would slow down every reading of the list in the specs after. */
export async function archiveFlags(prefix: string): Promise<void> {
  const { alice } = (await sharedUnleash()).as;
  const { features } = await alice.request('GET', '/api/admin/projects/default/features') as { features: { name: string }[] };
  const names = features.map(({ name }) => name).filter((name) => name.startsWith(`${prefix}-`));
  for (let start = 0; start < names.length; start += 100) await alice.request('POST', '/api/admin/projects/default/archive', { features: names.slice(start, start + 100) });
}

// Specs import this module while mocha loads them, when its `after` stands for the root suite; elsewhere there is no `after`.
if (typeof after === 'function') {
  after(async function stop() {
    this.timeout(60_000);
    await stopSharedUnleash();
  });
}
