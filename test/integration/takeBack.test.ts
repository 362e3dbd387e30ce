import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createModel, setAlias } from '../../sandbox/mlflow/registry.ts';
import { openRegistry } from '../../src/adapters/registries.ts';
import type { UnleashClient } from '../../src/adapters/unleash/unleashClient.ts';
import type { ChangeRunner } from '../../src/core/flags/changeRunner.ts';
import { planStart } from '../../src/core/flags/startRollout.ts';
import { pin } from '../../src/core/flags/titles.ts';
import type { ModelRegistry } from '../../src/core/models/registry.ts';
import { planAdvance } from '../../src/core/releases/stageChange.ts';
import { loadWorkspaceFile } from '../../src/core/workspace/load.ts';
import { sharedMlflow, type RunningMlflow } from '../support/mlflow.ts';
import { archiveFlags, freshFlag, sharedUnleash, type SharedUnleash } from '../support/unleash.ts';
import { clientOf, runnerOf } from '../support/unleashClient.ts';

const program = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
const PREFIX = 'taken-back';
const PLAN = '[{environment: development, percent: 100, gates: []}, {environment: production, percent: 25, gates: []}, {environment: production, percent: 100, gates: []}]';

interface Ran { readonly code: number | null; readonly text: string; readonly errors: string }

/** Releases by the command line, on a real Unleash and a real MLflow; a service of the test loads its model by the alias and logs which version answered. */
describe('taking a release back, completing and telling it', function () {
  this.timeout(120_000);
  let unleash: SharedUnleash;
  let mlflow: RunningMlflow;
  let registry: ModelRegistry;
  let client: UnleashClient;
  let runner: ChangeRunner;
  let dir: string;
  const model = `taken-${randomBytes(4).toString('hex')}`;

  before(async function prepare() {
    this.timeout(900_000);
    [unleash, mlflow] = await Promise.all([sharedUnleash(), sharedMlflow()]);
    dir = mkdtempSync(join(tmpdir(), 'modelswitch-take-back-'));
    client = clientOf(unleash.url, unleash.tokens.eddy);
    runner = await runnerOf(client);
    registry = openRegistry({ kind: 'mlflow', location: mlflow.url }, { folder: dir, credentialsFor: () => undefined, fetch: (url, init) => fetch(url, init) });
    await createModel(mlflow.url, model, 'taken back', 0);
    for (let version = 1; version <= 2; version += 1) {
      const made = await fetch(`${mlflow.url}/api/2.0/mlflow/model-versions/create`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name: model, source: `s3://models/${version}` }) });
      assert.ok(made.ok);
    }
  });
  beforeEach(async () => {
    await setAlias(mlflow.url, model, 'champion', '1');
    await setAlias(mlflow.url, model, 'challenger', '2');
  });
  after(async function stop() {
    this.timeout(60_000);
    registry.close();
    await archiveFlags(PREFIX);
    rmSync(dir, { recursive: true, force: true });
  });

  interface Release { readonly flag: string; readonly folder: string }

  async function release(stages: number, { registryUrl = mlflow.url, plan = PLAN, more = '' } = {}): Promise<Release> {
    const { name: flag } = await freshFlag({ prefix: PREFIX, environments: {} });
    const folder = mkdtempSync(join(dir, 'release-'));
    const text = `version: 1\nunleash: {url: ${unleash.url}}\nregistry: {mlflow: "${registryUrl}"}\nmodels:\n  fraud:\n    flag: ${flag}\n    registered_model: ${model}\n    plan: ${plan}\n    quality: {source: {log: log.jsonl}, window: 1s, guardrails: [{name: errors, bad: error}]${more}}\n`;
    writeFileSync(join(folder, 'modelswitch.yaml'), text);
    const { config, problems } = loadWorkspaceFile(text);
    assert.deepEqual(problems.filter(({ severity }) => severity === 'error'), []);
    await runner.apply(planStart(await runner.read('default', flag), { environments: ['development', 'production'], pin: pin('fraud', '2', '1') }));
    for (let stage = 0; stage < stages; stage += 1) assert.equal((await runner.apply(planAdvance(config!.models[0]!.plan!, await runner.read('default', flag)).change)).error, undefined);
    return { flag, folder };
  }

  function run(folder: string, ...args: string[]): Promise<Ran> {
    const child = spawn(process.execPath, [program, ...args], { cwd: folder, env: { ...process.env, UNLEASH_URL: unleash.url, UNLEASH_TOKEN: unleash.tokens.eddy } });
    let [text, errors] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    return new Promise((resolve) => child.on('close', (code) => resolve({ code, text, errors })));
  }

  async function shares(flag: string): Promise<string> {
    const { environments } = (await runner.read('default', flag)).detail.flag;
    return environments.filter(({ name }) => name !== 'staging').map(({ name, enabled, strategies }) => `${name} ${enabled ? strategies.map(({ parameters }) => parameters['rollout']).join('+') : 'off'}`).join(', ');
  }

  const champion = async (): Promise<string | undefined> => (await registry.readModel(model)).aliases.find(({ alias }) => alias === 'champion')?.version;

  /** Answers with what the flag and the alias say at each request. */
  function serve({ flag, folder }: Release, frozen = false): () => Promise<void> {
    const ended = new AbortController();
    const loop = (async (): Promise<void> => {
      for (let id = 0; !ended.signal.aborted; id += 1) {
        const { enabled, strategies } = (await unleash.as.alice.flag(flag))!.environments.find(({ name }) => name === 'production')!;
        const isOn = enabled && strategies[0]?.parameters['rollout'] === '100';
        const version = isOn || frozen ? '2' : await champion();
        appendFileSync(join(folder, 'log.jsonl'), `${JSON.stringify({ ts: new Date().toISOString(), request_id: `r-${id}`, unit_id: `u-${id}`, environment: 'production', service: 'credit', flag, assigned_arm: isOn ? 'candidate' : 'current', model_version: version, role: 'serving', fallback: false, features: {}, score: 0.5, latency_ms: 1, error: null })}\n`);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    })();
    return async () => {
      ended.abort();
      await loop;
    };
  }

  it('goes to the previous stage, to any stage, and to nobody, while registry and source are down', async () => {
    const { flag, folder } = await release(3, { registryUrl: 'http://127.0.0.1:9' });
    assert.equal(await shares(flag), 'development 100, production 100');
    const dry = await run(folder, 'rollback', '--model', 'fraud', '--dry-run', '--json');
    assert.equal(dry.code, 0, dry.errors);
    assert.equal(await shares(flag), 'development 100, production 100');
    const previous = await run(folder, 'rollback', '--model', 'fraud');
    assert.equal(previous.code, 0, previous.text + previous.errors);
    assert.match(previous.text, /production: 25 %/);
    assert.match(previous.text, /note: Whether champion names what was released is not known/);
    const stage = await run(folder, 'rollback', '--flag', flag, '--stage', '1', '--json');
    assert.equal(stage.code, 0, stage.errors);
    assert.equal(await shares(flag), 'development 100, production 0');
    const whole = await run(folder, 'rollback', '--flag', flag, '--all-the-way');
    assert.equal(whole.code, 0, whole.text + whole.errors);
    assert.equal(await shares(flag), 'development 0, production 0');
    for (const wrong of [['--stage', '9'], ['--stage', 'x'], ['--stage', '1', '--all-the-way'], ['--wait', 'soon']]) assert.equal((await run(folder, 'rollback', '--flag', flag, ...wrong)).code, 2, wrong.join(' '));
  });

  it('lowers by a modelswitch.yaml that is wrong, says what is, and decides and raises nothing by it', async () => {
    const { flag, folder } = await release(2);
    const right = readFileSync(join(folder, 'modelswitch.yaml'), 'utf8');
    const wrong = right.replace('bad: error}', 'bad: eror}');
    writeFileSync(join(folder, 'modelswitch.yaml'), wrong);
    const place = /^modelswitch: modelswitch\.yaml:9:\d+: guardrails\[0\]\.bad: there is no field eror\. Did you mean "error"/m;
    for (const args of [['guard'], ['guard', '--watch'], ['advance'], ['promote', '--flag', flag, '--environment', 'production']]) {
      const refused = await run(folder, ...args);
      assert.deepEqual([refused.code, refused.text], [2, ''], `${args.join(' ')}: ${refused.errors}`);
      assert.match(refused.errors, place);
    }
    assert.equal(await shares(flag), 'development 100, production 25');
    const back = await run(folder, 'rollback', '--model', 'fraud');
    assert.deepEqual([back.code, await shares(flag)], [0, 'development 100, production 0'], back.text + back.errors);
    assert.match(back.errors, place);
    writeFileSync(join(folder, 'modelswitch.yaml'), right.replace('models:', 'models: ['));
    const killed = await run(folder, 'kill', '--flag', flag, '--environment', 'development');
    assert.deepEqual([killed.code, /modelswitch\.yaml:\d+:\d+: Not valid YAML/.test(killed.errors)], [0, true], killed.text + killed.errors);
    assert.match(await shares(flag), /development off/);
  });

  it('lowers all the way before it asks the registry, whatever that says', async () => {
    let heldWhenAsked: Promise<string> | undefined;
    let flag = '';
    const server = createServer((_request, response) => {
      heldWhenAsked ??= shares(flag);
      void heldWhenAsked.then(() => response.writeHead(503).end());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const made = await release(3, { registryUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
      flag = made.flag;
      const whole = await run(made.folder, 'rollback', '--model', 'fraud', '--all-the-way');
      assert.equal(whole.code, 5, whole.text + whole.errors);
      assert.match(whole.text, /Whether champion names what was released is not known/);
      assert.equal(await heldWhenAsked, 'development 0, production 0');
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('needs no modelswitch.yaml: a point of the history, nobody, and undo, which passes the gates where it raises', async () => {
    const { flag } = await release(3);
    const empty = mkdtempSync(join(dir, 'empty-'));
    const { events } = await runner.read('default', flag);
    const at25 = events.findLast(({ strategy, environment }) => environment === 'production' && strategy?.parameters['rollout'] === '25')!.id;
    const back = await run(empty, 'rollback', '--flag', flag, '--event', String(at25));
    assert.equal(back.code, 0, back.text + back.errors);
    assert.match(await shares(flag), /production 25/);
    const raising = await run(empty, 'rollback', '--flag', flag, '--event', String(events[0]!.id));
    assert.deepEqual([raising.code, /a rollback never raises/.test(raising.errors)], [2, true], raising.errors);
    const undone = await run(empty, 'undo', '--flag', flag);
    assert.equal(undone.code, 0, undone.text + undone.errors);
    assert.match(await shares(flag), /production 100/);
    const whole = await run(empty, 'rollback', '--flag', flag, '--all-the-way', '--environment', 'production');
    assert.equal(whole.code, 0, whole.text + whole.errors);
    assert.equal(await shares(flag), 'development 100, production 0');
    assert.equal((await run(empty, 'rollback', '--flag', flag, '--stage', '1')).code, 2);
  });

  it('completes from the last stage only, takes the completion back, and sees the version before answer', async () => {
    const made = await release(2);
    const early = await run(made.folder, 'complete');
    assert.deepEqual([early.code, /completed from the last stage/.test(early.errors), await champion()], [2, true, '1'], early.errors);
    assert.equal((await run(made.folder, 'advance', '--override', 'test')).code, 0);
    const dry = await run(made.folder, 'complete', '--dry-run');
    assert.match(dry.text, /champion of .*: 1 -> 2 \(dry run/);
    const done = await run(made.folder, 'complete');
    assert.deepEqual([done.code, await champion()], [0, '2'], done.text + done.errors);
    assert.match(done.text, /Next: Modelswitch: Finish Release/);
    const told = JSON.parse((await run(made.folder, 'release', '--json')).text) as { state: string; needsPerson: boolean }[];
    assert.deepEqual([told[0]?.state, told[0]?.needsPerson], ['complete', false]);
    const stop = serve(made);
    try {
      const back = await run(made.folder, 'rollback', '--model', 'fraud', '--wait', '60s');
      assert.equal(back.code, 0, back.text + back.errors);
      assert.match(back.text, /champion of .*: 2 -> 1\n/);
      assert.match(back.text, /production answers with v1 .*v2 last answered/);
    } finally {
      await stop();
    }
    assert.deepEqual([await champion(), await shares(made.flag)], ['1', 'development 0, production 0']);
    assert.match((await registry.readVersion(model, '2')).tags[`modelswitch.release.${made.flag}`] ?? '', /"taken back"/);
  });

  it('says so when the service goes on answering with what was taken back, and takes an archived flag back by the alias alone', async () => {
    const made = await release(3);
    assert.equal((await run(made.folder, 'complete')).code, 0);
    await unleash.as.alice.archive(made.flag);
    const stop = serve({ ...made, flag: (await freshFlag({ prefix: PREFIX, environments: {} })).name }, true);
    try {
      const back = await run(made.folder, 'rollback', '--model', 'fraud', '--wait', '3s');
      assert.deepEqual([back.code, await champion()], [5, '1'], back.text + back.errors);
      assert.match(back.text, /Not verified .*has logged no answer of v1/);
    } finally {
      await stop();
    }
  });

  it('moves an alias by compare-and-set only, and not one that names something else', async () => {
    const made = await release(3);
    assert.equal((await run(made.folder, 'complete')).code, 0);
    await setAlias(mlflow.url, model, 'champion', '1');
    const back = await run(made.folder, 'rollback', '--model', 'fraud', '--all-the-way');
    assert.equal(back.code, 0, back.text + back.errors);
    assert.ok(!/champion of/.test(back.text));
    assert.equal(await champion(), '1');
  });

  it('ends an experiment either way, and refuses to end a ramp so', async () => {
    const plan = '[{environment: production, percent: 50, gates: []}]';
    const more = ', signals: [{name: conversion, mean: score, better: higher, margin: 0.01}]';
    const kept = await release(1, { plan, more });
    const keeping = await run(kept.folder, 'keep');
    assert.equal(keeping.code, 0, keeping.text + keeping.errors);
    assert.match(await shares(kept.flag), /production 0/);
    const shipped = await release(1, { plan, more });
    const blocked = await run(shipped.folder, 'ship');
    assert.match(await shares(shipped.flag), blocked.code === 6 ? /production 50/ : /production 100/);
    const shipping = await run(shipped.folder, 'ship', '--override', 'test');
    assert.equal(shipping.code, 0, shipping.text + shipping.errors);
    assert.match(await shares(shipped.flag), /production 100/);
    assert.deepEqual([(await run(shipped.folder, 'complete')).code, await champion()], [0, '2']);
    const ramp = await release(1);
    assert.match((await run(ramp.folder, 'ship')).errors, /released in stages/);
  });

  it('tells a release with its stages, as lines, Markdown and JSON', async () => {
    const { flag, folder } = await release(2);
    const text = await run(folder, 'timeline');
    assert.equal(text.code, 0, text.errors);
    assert.match(text.text, /production: .* -> 25 % {2}stage 2 of 3 {2}by eddy@example.com {2}"Modelswitch · fraud v2 over v1 · 25 % · stage 2 of 3 · then on" {2}event \d+/);
    assert.match((await run(folder, 'timeline', '--markdown')).text, /^# Release of `fraud` behind /);
    const json = JSON.parse((await run(folder, 'timeline', '--json')).text) as { flag: string; entries: { stage?: string }[] };
    assert.equal(json.flag, flag);
    assert.ok(json.entries.some(({ stage }) => stage === 'stage 2 of 3'));
  });
});
