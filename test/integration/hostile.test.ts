import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kill, promote } from '../../src/cli/commands/changes.ts';
import { history, rollout, status, whoami } from '../../src/cli/commands/reading.ts';
import { rollback } from '../../src/cli/commands/takeBack.ts';
import type { CliOptions, Command } from '../../src/cli/context.ts';
import { AppError } from '../../src/core/base/errors.ts';
import { planPromote, planRollback, planSwitchOff, type FlagReading } from '../../src/core/flags/planner.ts';
import { AdminClient, gradual } from '../../sandbox/unleash/admin.ts';
import { seed } from '../../sandbox/unleash/seed.ts';
import { removeUnleashData, startUnleash, type RunningUnleash } from '../../sandbox/unleash/start.ts';
import { HOSTILE_NAME, holdsToken, hostileServer, hostileUnleash, NEVER_SHOWN, type HostileServer } from '../support/hostileServer.ts';
import { freshFlag, sharedUnleash, type SharedUnleash } from '../support/unleash.ts';
import { clientOf, runnerOf } from '../support/unleashClient.ts';

const TOKEN = `user:${'3f9c51d20b7a84e6'.repeat(4)}`;
const COMMANDS: readonly [Command, CliOptions][] = [
  [status, {}], [whoami, {}], [history, { flag: 'f' }], [rollout, { flag: 'f' }], [rollout, { flag: 'f', environment: 'production', percent: '50' }],
  [promote, { flag: 'f', environment: 'production' }], [rollback, { flag: 'f', environment: 'production' }], [kill, { flag: 'f', 'all-environments': true }],
];

interface Ran {
  readonly written: string;
  readonly error: AppError | undefined;
}

async function run(command: Command, options: CliOptions, env: Record<string, string>, cwd: string): Promise<Ran> {
  let written = '';
  const thrown: unknown = await command.run({ options, own: {}, operands: [], env, cwd, warn: (text) => (written += text), progress: () => undefined, signal: new AbortController().signal, write: (text) => (written += text) }).then(() => undefined, (error: unknown) => error);
  assert.ok(thrown === undefined || thrown instanceof AppError, String(thrown));
  return { written, error: thrown };
}

describe('hostile workspaces and servers, by the command line', () => {
  let dir: string;
  let other: HostileServer;

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'modelswitch-hostile-'));
    other = await hostileServer();
  });
  afterEach(() => {
    other.close();
    rmSync(dir, { recursive: true, force: true });
  });

  /** Other ways to write an address of this machine, and what pretends to be another one. */
  const spellings: Record<string, (port: number) => string> = {
    'another port': (port) => `http://127.0.0.1:${port}`,
    'a host name': (port) => `http://localhost:${port}`,
    'capitals': (port) => `HTTP://LOCALHOST:${port}/`,
    'a trailing dot': (port) => `http://localhost.:${port}`,
    'IPv6': (port) => `http://[::1]:${port}`,
    'a number': (port) => `http://2130706433:${port}`,
    'hexadecimal': (port) => `http://0x7f.1:${port}`,
    'wide letters': (port) => `http://ｌｏｃａｌｈｏｓｔ:${port}`,
    'backslashes': (port) => `http:\\\\\\\\localhost:${port}`,
    'a user that looks like the host': (port) => `http://127.0.0.1:4242@localhost:${port}`,
    'tab and line break inside': (port) => `http://local\\thost\\n:${port}`,
    'an API path': (port) => `http://localhost:${port}/api/admin`,
    'no scheme': (port) => `//localhost:${port}`,
    'https': (port) => `https://localhost:${port}`,
  };
  for (const [what, spelled] of Object.entries(spellings)) {
    it(`sends nothing anywhere else when modelswitch.yaml names it by ${what}`, async () => {
      writeFileSync(join(dir, 'modelswitch.yaml'), `version: 1\nunleash: {url: "${spelled(other.port)}"}\n`);
      for (const [command, options] of COMMANDS) {
        // Nobody listens at port 9: whether the address is refused or ignored, only the named one may be asked.
        for (const env of [{ UNLEASH_TOKEN: TOKEN }, { UNLEASH_TOKEN: TOKEN, UNLEASH_URL: 'http://127.0.0.1:9' }, { UNLEASH_TOKEN: TOKEN, UNLEASH_URL: '' }] as Record<string, string>[]) {
          const { error } = await run(command, options, env, dir);
          assert.ok(error !== undefined && !holdsToken(error.message, TOKEN), command.name);
        }
      }
      assert.deepEqual(other.requests, []);
    });
  }

  it('does send the token where UNLEASH_URL says so, however the file writes that address', async () => {
    for (const url of [other.origin, `${other.origin.replace('http', 'HTTP')}/`, `${other.origin}/api/`]) {
      writeFileSync(join(dir, 'modelswitch.yaml'), `version: 1\nunleash: {url: "${url}"}\n`);
      const before = other.requests.length;
      await run(whoami, {}, { UNLEASH_TOKEN: TOKEN, UNLEASH_URL: other.origin }, dir);
      assert.ok(other.requests.length > before && other.requests.every(({ headers }) => headers.authorization === TOKEN));
    }
  });

  it('does not read a modelswitch.yaml that never ends', async () => {
    symlinkSync('/dev/zero', join(dir, 'modelswitch.yaml'));
    assert.match((await run(status, {}, { UNLEASH_TOKEN: TOKEN }, dir)).error!.message, /give --url or set UNLEASH_URL/);
  });

  it('follows no redirect in any command', async () => {
    const redirecting = await hostileServer(() => ({ status: 307, headers: { location: `${other.origin}/?token=${TOKEN}` }, body: TOKEN }));
    for (const [command, options] of COMMANDS) {
      const { error } = await run(command, options, { UNLEASH_TOKEN: TOKEN, UNLEASH_URL: redirecting.origin }, dir);
      assert.ok(error?.message.includes(`redirects to ${other.origin},`) === true && !holdsToken(error.message, TOKEN), error?.message);
    }
    redirecting.close();
    assert.deepEqual(other.requests, []);
  });

  it('prints no token, whatever the server writes back', async () => {
    for (const json of [false, true]) {
      const echo = await hostileServer(hostileUnleash((place) => `${place} ${TOKEN} ${encodeURIComponent(TOKEN)}`));
      for (const [command, options] of COMMANDS) {
        const environment = 'environment user:[redacted] user%3A[redacted]';
        const { written, error } = await run(command, { ...options, ...(options.environment === undefined ? {} : { environment }), json, 'dry-run': true }, { UNLEASH_TOKEN: TOKEN, UNLEASH_URL: echo.origin }, dir);
        assert.ok(!holdsToken(written + (error?.message ?? '') + JSON.stringify(error?.data ?? {}), TOKEN), written);
        assert.ok(written !== '' || error !== undefined);
      }
      echo.close();
    }
  });

  it('prints names as text, and JSON that a terminal can show', async () => {
    const hostile = await hostileServer(hostileUnleash((place) => `${place} ${HOSTILE_NAME}`));
    for (const [command, options] of COMMANDS) {
      const given = { ...options, ...(options.environment === undefined ? {} : { environment: `environment ${HOSTILE_NAME}` }), 'dry-run': true };
      const human = await run(command, given, { UNLEASH_TOKEN: TOKEN, UNLEASH_URL: hostile.origin }, dir);
      assert.doesNotMatch(human.written, NEVER_SHOWN, `${command.name}: ${JSON.stringify(human.written)}`);
      const { written } = await run(command, { ...given, json: true }, { UNLEASH_TOKEN: TOKEN, UNLEASH_URL: hostile.origin }, dir);
      assert.doesNotMatch(written, /[\u007f-\u009f\u200b\u202a-\u202e\u2066-\u2069\u2028]/u, command.name);
      if (written !== '') assert.ok(JSON.stringify(JSON.parse(written)).includes('\u202e'), `${command.name} keeps the name in JSON`);
    }
    hostile.close();
  });

  it('prints nothing that a terminal obeys on either stream of the real program', async () => {
    const hostile = await hostileServer(hostileUnleash((place) => `${place} ${HOSTILE_NAME}`));
    const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
    for (const args of [['status'], ['promote', '--flag', 'f', '--environment', '\u001b[31m\u202e'], ['\u001b[31m'], ['status', '--\u001b[31m']]) {
      const child = spawn(process.execPath, [main, ...args], { cwd: dir, env: { ...process.env, UNLEASH_URL: hostile.origin, UNLEASH_TOKEN: TOKEN } });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
      await new Promise((resolve) => child.once('close', resolve));
      assert.ok(output !== '' && !NEVER_SHOWN.test(output), JSON.stringify(output));
    }
    hostile.close();
  });
});

describe('hostile names on the real server', () => {
  let unleash: SharedUnleash;
  before(async function start() {
    this.timeout(60_000);
    unleash = await sharedUnleash();
  });

  it('promotes and rolls back a strategy with every hostile text that Unleash takes', async () => {
    // Its database takes no halves of characters, its lists no more than 100 characters.
    const text = 'a\u001b[31m\u009b2J\u202egnp\u2066x\u200b\n[z](command:y)![i](http://evil.example) $(trash) <b> `c` \u2028';
    const { alice } = unleash.as;
    const segment = await alice.request('POST', '/api/admin/segments', { name: text, constraints: [{ contextName: text, operator: 'IN', values: [text] }] }) as { id: number; name: string };
    const { name } = await freshFlag({
      description: text,
      environments: { production: { strategies: (flag) => [
        gradual(flag, 25, { title: text, variants: [{ name: 'v1', weight: 1000, weightType: 'variable', stickiness: text, payload: { type: 'string', value: text } }] }),
        gradual(flag, 100, { title: `${text} 2`, segments: [segment.id], constraints: [{ contextName: text, operator: 'IN', values: [text] }] }),
      ] } },
    });
    const client = clientOf(unleash.url, unleash.tokens.eddy);
    const { flag } = await client.readFlag('default', name);
    const [everyone] = flag.environments.find((each) => each.name === 'production')!.strategies;
    assert.ok(everyone!.title.includes('\u202e') && everyone!.variants[0]!.payload!.value.includes('\u202e') && flag.description.includes('\u001b'), 'Unleash takes them');
    const dir = mkdtempSync(join(tmpdir(), 'modelswitch-hostile-'));
    const env = { UNLEASH_URL: unleash.url, UNLEASH_TOKEN: unleash.tokens.eddy };
    for (const [command, options] of COMMANDS) {
      const { written, error } = await run(command, { ...options, ...(options.flag === undefined ? {} : { flag: name }) }, env, dir);
      assert.equal(error, undefined, `${command.name}: ${error?.message}`);
      assert.doesNotMatch(written, NEVER_SHOWN, `${command.name}: ${JSON.stringify(written)}`);
    }
    rmSync(dir, { recursive: true });
  });

  it('refuses what cannot be a name, and megabytes', async () => {
    const { eddy } = unleash.as;
    const refused = async (body: Record<string, unknown>): Promise<boolean> => eddy.request('POST', '/api/admin/projects/default/features', { type: 'release', ...body }).then(() => false, () => true);
    const names = { dots: '..', blank: 'a b', slash: 'a/b', markdown: '[x](command:y)', icon: '$(trash)', direction: 'a\u202eb', hidden: 'fra\u200bud', long: 'x'.repeat(10_000) };
    const taken = [];
    for (const [what, name] of Object.entries(names)) if (!(await refused({ name }))) taken.push(what);
    assert.deepEqual(taken, []);
    assert.equal(await refused({ name: 'large-description', description: 'x'.repeat(5_000_000) }), true);
  });
});

/**
 * Unleash 8.2.0 takes these names and then fails by itself: its list of flags and its playground answer 500 for the whole project, and
 * `__proto__` spoils and ends its process within a second. What works there is tested there, the rest against a fake.
 */
describe('flags that are called like a part of every object, on a real server of their own', () => {
  let server: RunningUnleash;
  let dataDir: string;
  let token: string;
  before(async function start() {
    this.timeout(90_000);
    dataDir = mkdtempSync(join(tmpdir(), 'modelswitch-names-'));
    chmodSync(dataDir, 0o711);
    server = await startUnleash({ dataDir });
    token = (await seed(server)).users.eddy.token;
  });
  after(async function stop() {
    this.timeout(60_000);
    await server.stop();
    removeUnleashData(dataDir);
  });

  for (const name of ['constructor', 'toString', 'hasOwnProperty']) {
    it(`promotes, rolls back and switches off a flag that is called ${name}`, async () => {
      const eddy = new AdminClient(server.url, token);
      await eddy.createFlag({ name });
      await eddy.addStrategy(name, 'production', gradual(name, 25, { variants: [{ name, weight: 1000, weightType: 'variable', stickiness: 'default' }] }));
      await eddy.switchEnvironment(name, 'production', 'on');
      const runner = await runnerOf(clientOf(server.url, token));
      const read = (): Promise<FlagReading> => runner.read('default', name);
      for (const [plan, now] of [[(reading: FlagReading) => planPromote(reading, 'production'), '50 %'], [(reading: FlagReading) => planRollback(reading, 'production'), '25 %'], [(reading: FlagReading) => planSwitchOff('kill', reading, ['production']), 'off']] as const) {
        const outcome = await runner.apply(plan(await read()));
        assert.deepEqual([outcome.kind, outcome.environments[0]!.now], ['done', now === 'off' ? now : `${now} · ${name} 100 %`], outcome.error?.message);
      }
    });
  }

  it('says that the server fails when it cannot list them', async () => {
    const client = clientOf(server.url, token);
    const error: unknown = await client.readAllFlags('default', await client.readEnvironments('default')).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof AppError && error.code === 'internal' && error.message.includes('failed with status 500'), String(error));
  });
});
