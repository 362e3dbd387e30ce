import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lineage } from '../../../src/cli/commands/lineage.ts';
import { check } from '../../../src/cli/commands/models.ts';
import { compareReleased, drift, quality, shadow } from '../../../src/cli/commands/quality.ts';
import type { CliContext, Command } from '../../../src/cli/context.ts';
import { exitCode } from '../../../src/cli/exitCodes.ts';
import { toAppError } from '../../../src/core/base/errors.ts';
import { guardHindrances, hindering, type MeantModels } from '../../../src/core/workspace/concerning.ts';
import { loadWorkspaceFile } from '../../../src/core/workspace/load.ts';

type Run = (context: CliContext) => Promise<number>;

const HEAD = 'version: 1\nmodels:\n  fraud:\n    flag: fraud-v2\n';
const file = (quality: string): string => `${HEAD}    quality:\n      source: {log: log.jsonl}\n${quality}`;

describe('a modelswitch.yaml that is wrong, by the command line', () => {
  let cwd: string;
  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'modelswitch-wrong-'));
    // The candidate fails always, current never.
    const records = Array.from({ length: 2000 }, (_, index) => JSON.stringify({ ts: Date.now() - 60_000, request_id: `r${index}`, unit_id: `u${index}`, environment: 'production', flag: 'fraud-v2', assigned_arm: index % 2 === 0 ? 'candidate' : 'current', features: { amount: index }, error: index % 2 === 0 ? 'timeout' : null }));
    writeFileSync(join(cwd, 'log.jsonl'), `${records.join('\n')}\n`);
  });
  afterEach(() => rmSync(cwd, { recursive: true }));

  async function ran(command: Run, text: string, options: CliContext['options'] = {}): Promise<{ readonly code: number; readonly out: string; readonly said: readonly string[] }> {
    writeFileSync(join(cwd, 'modelswitch.yaml'), text);
    const [out, said]: [string[], string[]] = [[], []];
    const context: CliContext = { options, operands: [], env: {}, cwd, signal: new AbortController().signal, write: (part) => void out.push(part), own: {}, warn: (sentence) => void said.push(sentence), progress: () => undefined };
    const code = await command(context).catch((thrown: unknown) => {
      const error = toAppError(thrown);
      said.push(error.message);
      return exitCode(error);
    });
    return { code, out: out.join(''), said };
  }

  const wrong: readonly { name: string; text: string; says: RegExp }[] = [
    { name: 'an expression that ends too early', text: file('      guardrails: [{name: slow, bad: "latency_ms >"}]\n'), says: /^modelswitch\.yaml:7:\d+: guardrails\[0\]\.bad: / },
    { name: 'guardrails by a name that nobody reads', text: file('      guardrail: [{name: errors, bad: error}]\n'), says: /^modelswitch\.yaml:7:7: Unknown key "guardrail" in models\.fraud\.quality; the model is not judged with it\. Did you mean "guardrails"\?$/ },
    { name: 'a misspelt tolerance', text: file('      guardrails: [{name: errors, bad: error, maxratio: 9}]\n'), says: /^modelswitch\.yaml:7:\d+: Unknown key "maxratio".*Did you mean "max_ratio"\?$/ },
    { name: 'a misspelt field', text: file('      guardrails: [{name: errors, bad: "eror"}]\n'), says: /^modelswitch\.yaml:7:\d+: .*Did you mean "error"/ },
    { name: 'a ratio below 1', text: file('      guardrails: [{name: errors, bad: error, max_ratio: 0.5}]\n'), says: /^modelswitch\.yaml:7:58: models\.fraud\.quality\.guardrails\[0\]\.max_ratio must be a number of at least 1/ },
    { name: 'a metric without a name', text: file('      guardrails: [{name: "", bad: error}]\n'), says: /^modelswitch\.yaml:7:\d+: .*name must be text/ },
    { name: 'YAML that is none', text: file('      guardrails: [{name: errors, bad: error\n'), says: /^modelswitch\.yaml:\d+:\d+: Not valid YAML/ },
    { name: 'a log of no file', text: `${HEAD}    quality:\n      source: {log: []}\n      guardrails: [{name: errors, bad: error}]\n`, says: /^modelswitch\.yaml:6:\d+: .*log must be a path or glob/ },
    { name: 'two sources', text: `${HEAD}    quality:\n      source: {log: log.jsonl, exec: [windows]}\n      guardrails: [{name: errors, bad: error}]\n`, says: /^modelswitch\.yaml:6:\d+: source: names log and exec/ },
    { name: 'a server section that cannot be read', text: `unleash: {environment: 5}\n${file('      guardrails: [{name: errors, bad: error}]\n')}`, says: /^modelswitch\.yaml:1:24: unleash\.environment must be text/ },
  ];
  const commands: readonly (readonly [string, Run])[] = [['quality', (context) => quality.run(context)], ['compare', compareReleased], ['drift', (context) => drift.run(context)], ['shadow', (context) => shadow.run(context)]];
  for (const { name, text, says } of wrong) {
    for (const [command, run] of commands) {
      it(`${command} decides nothing by ${name}: it says where it stands, exit code 2`, async () => {
        const { code, out, said } = await ran(run, text);
        assert.deepEqual([code, out], [2, ''], said.join('\n'));
        assert.match(said[0] ?? '', says);
        assert.match(said.at(-1) ?? '', /^modelswitch\.yaml:\d+ cannot be gone by as it is.*: nothing was decided or changed\./);
        assert.equal(new Set(said).size, said.length, 'each is told once');
      });
    }
  }

  it('says that no guardrail is declared, rather than that none alarms', async () => {
    const declared = 'No guardrail is declared: nothing alarms, and nothing takes a release back.';
    const none = await ran(quality.run.bind(quality), file(''));
    assert.ok(none.out.includes(declared) && !none.out.includes('Candidate against current') && !none.out.includes('together'), none.out);
    const signals = await ran(quality.run.bind(quality), file('      signals: [{name: failing, mean: error == "timeout"}]\n'));
    assert.ok(signals.out.includes(declared) && signals.out.includes('Candidate against current'), signals.out);
    const means = await ran(quality.run.bind(quality), file('      guardrails: [{name: failing, mean: error == "timeout"}]\n'));
    assert.ok(!means.out.includes(declared) && !means.out.includes('together'), means.out);
    const counts = await ran(quality.run.bind(quality), file('      guardrails: [{name: errors, bad: error}]\n'));
    assert.ok(!counts.out.includes(declared) && /^Guardrails of counts together in production: evidence over 1,000,000 : 1, alarm at 40 : 1: ALARM\.$/m.test(counts.out), counts.out);
  });

  it('names the line and the model where no source is named', async () => {
    const { code, out, said } = await ran(quality.run.bind(quality), `${HEAD}    quality:\n      guardrails: [{name: errors, bad: error}]\n`);
    assert.deepEqual([code, out, said.at(-1)], [2, '', 'modelswitch.yaml:3: fraud: quality names no source: add source: {log: logs/predictions-*.jsonl}.']);
  });

  it('names the fields of the outcome that no record has', async () => {
    writeFileSync(join(cwd, 'outcomes.jsonl'), `${JSON.stringify({ ts: Date.now(), request_id: 'r1', defaulted: 1 })}\n`);
    const { out } = await ran(quality.run.bind(quality), `${HEAD}    quality:\n      source: {log: log.jsonl, outcomes: outcomes.jsonl}\n      labels: {field: nosuch}\n      signals: [{name: accuracy, measure: accuracy}]\n`);
    assert.match(out, /no assigned_arm, and none of the outcome's fields \(nosuch\)/);
  });

  it('tells what is ignored, and goes on', async () => {
    const { code, out, said } = await ran(quality.run.bind(quality), `regsitry: {}\n${file('      guardrails: [{name: errors, bad: error}]\n')}`);
    assert.deepEqual([code, said.length], [1, 1], said.join('\n'));
    assert.match(said[0] ?? '', /^modelswitch\.yaml:1:1: warning: Unknown key "regsitry"; it is ignored\. Did you mean "registry"\?$/);
    assert.match(out, /errors.*worse/);
  });

  it('goes on about another model, past personas and call sites, and past a token in a comment', async () => {
    const text = `${file('      guardrails: [{name: errors, bad: error}]\n')}  churn: {flag: churn-v1, quality: {source: {log: log.jsonl}, guardrails: [{name: errors, bad: eror}]}}\npersonas: [{name: 5}]\ncallsites: {clients: 5}\n# ghp_${'a1B2'.repeat(9)}\n`;
    const { code, said } = await ran(quality.run.bind(quality), text, { model: 'fraud' });
    assert.equal(code, 1, said.join('\n'));
    assert.equal(said.length, 4, said.join('\n'));
    assert.equal((await ran(quality.run.bind(quality), text, { model: 'churn' })).code, 2);
    assert.equal((await ran(quality.run.bind(quality), text)).code, 2, 'without --model it is about all of them');
  });

  it('says of a file that cannot be opened, or is none, that it cannot, not that there is none', async () => {
    mkdirSync(join(cwd, 'sub', 'modelswitch.yaml'), { recursive: true });
    const inFolder = (command: Command): Run => (context) => command.run({ ...context, cwd: join(cwd, 'sub') });
    const folder = await ran(inFolder(quality), file(''));
    assert.deepEqual([folder.code, folder.said[0]], [2, 'modelswitch.yaml is no file.']);
    rmSync(join(cwd, 'sub', 'modelswitch.yaml'), { recursive: true });
    symlinkSync('modelswitch.yaml', join(cwd, 'sub', 'modelswitch.yaml'));
    const closed = await ran(inFolder(quality), file(''));
    assert.deepEqual([closed.code, closed.said[0]], [2, 'modelswitch.yaml cannot be opened (ELOOP): check who may read it.']);
  });

  it('lets a command do what the wrong part has no part in', async () => {
    const text = `registry: {file: models/registry.yaml}\n${file('      guardrails: [{name: errors, bad: eror}]\n')}`;
    const looked = await ran((context) => lineage.run({ ...context, operands: ['fraud'] }), text);
    assert.deepEqual([looked.code === 2, looked.said.some((each) => each.includes('Did you mean "error"'))], [false, true], looked.said.join('\n'));
    const checked = await ran(check.run.bind(check), text.replace('flag: fraud-v2', 'flag: fraud-v2\n    contract: [features.yaml]'));
    assert.deepEqual([checked.code, checked.said.some((each) => each.includes('contract must be text'))], [2, true], checked.said.join('\n'));
  });
});

describe('what of a modelswitch.yaml a verdict cannot go by', () => {
  const messages = (text: string, meant: MeantModels = {}): number => hindering(loadWorkspaceFile(text), meant).length;
  const broken = `version: 1\nmodels:\n  a: {flag: fa, quality: {guardrails: [{name: errors, bad: eror}]}}\n  b: {flag: fb}\n  c: {flag: 5}\n`;

  it('is about the models that are meant, and those of which it is not known whether they are', () => {
    assert.equal(messages(broken), 2);
    assert.deepEqual([messages(broken, { model: 'a' }), messages(broken, { model: 'b' }), messages(broken, { model: 'c' })], [1, 0, 1]);
    assert.deepEqual([messages(broken, { flag: 'fa' }), messages(broken, { flag: 'fb' })], [2, 1], 'c may be switched by any flag');
    assert.deepEqual([messages(broken, { model: 'a', keys: ['suites'] }), messages(broken, { model: 'c', keys: ['flag'] })], [0, 1]);
    assert.equal(messages(`version: 1\nmodels:\n  set: {kind: features, flag: f, provides: 5}\n  b: {flag: fb}\n`, { model: 'b' }), 1, 'features may be needed by any model');
  });

  it('keeps the guard from a model with a key that nobody knows where it looks, and from no other', () => {
    const guarded = (text: string): string[] => [...guardHindrances(loadWorkspaceFile(`version: 1\nmodels:\n  a: {flag: fa, ${text}}\n  b: {flag: fb}\n`), {}).models.keys()];
    for (const text of ['quality: {guardrail: []}', 'quality: {guardrails: [{name: errors, bad: error, maxratio: 2}]}', 'guard: {on_breech: previous}', 'gaurd: {on_breach: previous}', 'qualty: {guardrails: []}']) assert.deepEqual(guarded(text), ['a'], text);
    for (const text of ['quality: {drift: {windows: 24h}}', 'zzz: 1', 'x-plan: [{environment: production}]', 'quality: {x-owner: risk}']) assert.deepEqual(guarded(text), [], text);
    const many = Array.from({ length: 300 }, (_, index) => `  m${index}: {flag: f${index}, zzz: 1}\n`).join('');
    assert.equal(messages(`version: 1\nmodels:\n${many}  a: {flag: fa, quality: {guardrail: []}}\n`), 1, 'behind three hundred warnings');
  });

  it('counts an error that stands behind a hundred warnings, and one by an alias', () => {
    const many = Array.from({ length: 300 }, (_, index) => `x${index}: 1\n`).join('');
    assert.equal(messages(`version: 1\n${many}models:\n  a: {flag: fa, quality: {guardrails: [{name: errors, bad: eror}]}}\n`), 1);
    assert.equal(messages('version: 1\nshared: &metrics [{name: errors, bad: eror}]\nmodels:\n  a: {flag: fa, quality: {guardrails: *metrics}}\n  b: {flag: fb}\n', { model: 'b' }), 0);
    assert.equal(messages('version: 1\nshared: &metrics [{name: errors, bad: eror}]\nmodels:\n  a: {flag: fa, quality: {guardrails: *metrics}}\n', { model: 'a' }), 1);
  });
});
