import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kill } from '../../../src/cli/commands/changes.ts';
import { keep } from '../../../src/cli/commands/endings.ts';
import { guard } from '../../../src/cli/commands/guard.ts';
import { advance } from '../../../src/cli/commands/release.ts';
import { rollback } from '../../../src/cli/commands/takeBack.ts';
import type { CliContext, CliTarget, Command } from '../../../src/cli/context.ts';
import { withLazyRegistry } from '../../../src/cli/gating.ts';
import { exitCode } from '../../../src/cli/exitCodes.ts';
import { toAppError } from '../../../src/core/base/errors.ts';
import { loadWorkspaceFile } from '../../../src/core/workspace/load.ts';
import { hostileServer, type HostileServer } from '../../support/hostileServer.ts';

const LOWERS = '[{environment: production, percent: 50}, {environment: production, percent: 5}]';
const RIGHT = '[{environment: production, percent: 50}]';
const model = (name: string, plan: string, more = ''): string => `  ${name}: {flag: ${name}-v2, plan: ${plan}${more}}\n`;
const file = (...models: string[]): string => `version: 1\nunleash: {project: scoring}\nmodels:\n${models.join('')}`;

/** The server knows who asks, and no flag: it tells which one was asked for, and nothing is written. */
describe('taking back and guarding by a modelswitch.yaml with errors', () => {
  let cwd: string;
  let server: HostileServer;
  before(async () => {
    const known: Readonly<Record<string, string>> = { user: '{"user": {"id": 1, "username": "eddy"}, "permissions": []}', events: '{"events": [], "total": 0}', segments: '{"segments": []}' };
    server = await hostileServer(({ path }) => {
      const body = known[/(\w+)(\?|$)/.exec(path)?.[1] ?? ''];
      return body === undefined ? { status: 404, body: '{"name": "NotFoundError", "message": "no such feature"}' } : { body };
    });
  });
  after(() => server.close());
  beforeEach(() => { cwd = mkdtempSync(join(tmpdir(), 'modelswitch-unread-')); });
  afterEach(() => rmSync(cwd, { recursive: true }));

  async function ran(command: Command, text: string, options: CliContext['options'] = {}, own: CliContext['own'] = {}): Promise<{ readonly code: number; readonly out: string; readonly error: string; readonly asked: readonly string[] }> {
    writeFileSync(join(cwd, 'modelswitch.yaml'), text);
    const out: string[] = [];
    const asked = server.requests.length;
    let error = '';
    const context: CliContext = { options: { url: server.origin, ...options }, operands: [], env: { UNLEASH_TOKEN: 'user:some' }, cwd, signal: new AbortController().signal, write: (part) => void out.push(part), own, warn: () => undefined, progress: () => undefined };
    const code = await command.run(context).catch((thrown: unknown) => {
      const known = toAppError(thrown);
      error = known.message;
      return exitCode(known);
    });
    const flags = server.requests.slice(asked).flatMap(({ path }) => /projects\/([^/]+)\/features\/([^/?]+)/.exec(path)?.slice(1, 3).join('/') ?? []);
    return { code, out: out.join(''), error, asked: [...new Set(flags)] };
  }

  it('rollback --model and keep go on by the flag of a model whose plan cannot be read', async () => {
    for (const command of [rollback, keep]) {
      assert.deepEqual((await ran(command, file(model('fraud', LOWERS), model('churn', RIGHT)), { model: 'fraud' })).asked, ['scoring/fraud-v2'], command.name);
      assert.match((await ran(command, file('  fraud: {plan: 5, switches: [{flag: a}, {flag: b}]}\n'), { model: 'fraud' })).error, /^Say which release with --flag: fraud is switched by a, b\.$/);
    }
    assert.match((await ran(keep, file(model('fraud', LOWERS), model('churn', RIGHT)))).error, /^Say which release with --model or --flag: fraud, churn\.$/);
    assert.match((await ran(rollback, file(), { model: 'fraud' })).error, /no flag for fraud: give --flag/);
  });

  it('rollback --stage says that it needs a plan that can be read, and what works without', async () => {
    const { code, error, asked } = await ran(rollback, file(model('fraud', LOWERS)), { flag: 'fraud-v2' }, { stage: '0' });
    assert.deepEqual([code, asked], [2, []]);
    assert.match(error, /no model of modelswitch\.yaml has one that can be read for fraud-v2: without --stage, or with --all-the-way, rollback works all the same/);
  });

  it('rollback and kill say that the project is not known, where it is not', async () => {
    for (const text of ['version: 1\nmodels: [', 'version: 1\nunleash: {project: 5}\n']) {
      for (const command of [rollback, kill]) {
        const { code, error, asked } = await ran(command, text, { flag: 'fraud-v2', environment: 'production' });
        assert.deepEqual([code, asked], [1, ['default/fraud-v2']]);
        assert.match(error, /Give --project NAME: modelswitch\.yaml cannot be read/, command.name);
        assert.doesNotMatch((await ran(command, text, { flag: 'fraud-v2', environment: 'production', project: 'scoring' })).error, /--project/);
      }
    }
    assert.match((await ran(rollback, 'version: 1\nmodels: [', { model: 'fraud' })).error, /nobody knows the flag of fraud: give --flag and --project/);
  });

  it('guard looks at the releases that are right, and says at each look which ones it does not guard, and why', async () => {
    const { code, out, asked } = await ran(guard, file(model('fraud', LOWERS), model('churn', RIGHT)));
    assert.deepEqual([code, asked], [12, ['scoring/churn-v2']], out);
    assert.match(out, / fraud fraud-v2 : unreadable: not guarded: modelswitch\.yaml is wrong about it; modelswitch\.yaml:4: .*a plan only goes up/);
    const unplanned = await ran(guard, file('  fraud: {flag: fraud-v2, quality: {source: {log: log.jsonl}, guardrails: [{name: errors, bad: eror}]}}\n', model('churn', RIGHT)));
    assert.doesNotMatch(unplanned.out, /fraud/, 'nobody guards what has no plan');
    const all = await ran(guard, file(model('fraud', LOWERS)));
    assert.deepEqual([all.code, all.asked], [2, []], 'where it would guard nothing it ends');
    assert.deepEqual((await ran(guard, file(model('fraud', LOWERS), model('churn', RIGHT)), { model: 'fraud' })).code, 2);
  });

  it('guard --watch tells at the next look what the webhook did not take, and then no more', async () => {
    writeFileSync(join(cwd, 'modelswitch.yaml'), file(model('churn', RIGHT)));
    const statuses = [503, 200];
    const hook = await hostileServer(() => ({ status: statuses.shift() ?? 500, body: '{}' }));
    const end = new AbortController();
    const said: string[] = [];
    let looks = 0;
    const write = (): void => {
      looks += 1;
      if (looks === 4) end.abort();
    };
    const context: CliContext = { options: { url: server.origin }, operands: [], env: { UNLEASH_TOKEN: 'user:some', MODELSWITCH_WEBHOOK_URL: hook.origin }, cwd, signal: end.signal, write, own: { watch: true, every: '1s' }, warn: (sentence) => void said.push(sentence), progress: () => undefined };
    try {
      await assert.rejects(guard.run(context));
      assert.deepEqual([looks, hook.requests.length], [4, 2]);
      assert.deepEqual(said.filter((sentence) => sentence.includes('nobody was notified')), ['MODELSWITCH_WEBHOOK_URL answered 503: nobody was notified by it.']);
    } finally {
      hook.close();
    }
  });

  it('guard goes past what it does not use, also of the same model', async () => {
    const quality = (more: string): string => `, quality: {source: {log: log.jsonl}, guardrails: [{name: errors, bad: error}]${more}}`;
    const aside = [', retrain: {stage: 3}', ', contract: [5]', quality(', drift: {reference: {weeks_ago: 1}, unit: id}'), ', quality: {by: [features.token, score > 0.5], source: {prometheus: {url: "http://127.0.0.1:9", design_effect: 1, slices: {features.token: token}, queries: {errors: {total: \'t{arm="$arm"}\', bad: \'b{arm="$arm"}\'}}}}, guardrails: [{name: errors, bad: error}]}'];
    for (const more of aside) {
      const { out, error, asked } = await ran(guard, file(model('fraud', RIGHT, more)));
      assert.deepEqual([asked, error, out.includes('not guarded')], [['scoring/fraud-v2'], '', false], more);
      assert.equal((await ran(advance, file(model('fraud', RIGHT, more)))).code, 2, `advance does not: ${more}`);
    }
    assert.deepEqual((await ran(guard, `${file(model('fraud', RIGHT))}registry: {mlflow: "ftp://models"}\n`)).asked, ['scoring/fraud-v2']);
    for (const more of [quality(', drift: {reference: 7}'), quality(', where: eror'), ', guard: {on_blind: 5}']) assert.equal((await ran(guard, file(model('fraud', RIGHT, more)))).code, 2, more);
  });

  it('asks no other registry where the section of it is wrong', async () => {
    const context = { options: {}, env: { MLFLOW_TRACKING_URI: server.origin }, cwd } as unknown as CliContext;
    const opened = (text: string): Promise<string> => {
      const read = loadWorkspaceFile(text);
      return withLazyRegistry(context, { file: read, config: read.config } as CliTarget, (open) => open().then(() => 'opened', (thrown: unknown) => toAppError(thrown).message));
    };
    assert.match(await opened('version: 1\nregistry: {mlflow: "ftp://models"}\n'), /^modelswitch\.yaml:2: registry\.mlflow /);
    assert.equal(await opened('version: 1\n'), 'opened');
  });
});
