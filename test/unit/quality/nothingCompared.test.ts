import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareReleased, quality, shadow } from '../../../src/cli/commands/quality.ts';
import type { CliContext } from '../../../src/cli/context.ts';
import { lines, recordsOfToday } from '../../support/qualityRecords.ts';
import { runQuality, type QualityRun } from '../../support/qualityRun.ts';

describe('where nothing is compared', () => {
  let cwd: string;
  beforeEach(() => { cwd = mkdtempSync(join(tmpdir(), 'modelswitch-nothing-')); });
  afterEach(() => rmSync(cwd, { recursive: true }));

  function ran(section: string, change: (record: Record<string, unknown>) => object = (record) => record, run?: (context: CliContext) => Promise<number>): Promise<QualityRun> {
    writeFileSync(join(cwd, 'log.jsonl'), lines(recordsOfToday({ count: 400 }).map((record) => change({ ...record }))));
    return runQuality(cwd, section, run === undefined ? {} : { run });
  }
  const LOG = 'source: {log: log.jsonl}\n';
  const ERRORS = `${LOG}guardrails: [{name: errors, bad: error}]`;
  const renamed = (candidate: string, current: string) => (record: Record<string, unknown>): object => ({ ...record, assigned_arm: record['assigned_arm'] === 'candidate' ? candidate : current });

  it('the exit code is 5, because arms are called otherwise: the note names them', async () => {
    for (const run of [(context: CliContext) => quality.run(context), compareReleased]) {
      const { code, out, warned } = await ran(ERRORS, renamed('challenger', 'champion'), run);
      assert.deepEqual([code, warned], [5, ['No guardrail has a record of candidate or current: nothing was compared (errors: no record tells it).']]);
      assert.match(out, /^There is no record of candidate or current, but records of "challenger", "champion", neither candidate nor current, nor variants .*: they are not compared\. Let the service name the arms candidate and current, or map them/m);
    }
  });

  it('one arm that is called otherwise is named: the other has nothing to be compared with, so the exit code is 5', async () => {
    const { code, out, warned } = await ran(ERRORS, renamed('Candidate', 'current'));
    assert.deepEqual([code, warned], [5, ['No guardrail was compared (errors: candidate has no data).']]);
    assert.match(out, /^There is no record of candidate, but records of "Candidate", /m);
    assert.doesNotMatch((await ran(ERRORS, (record) => ({ ...record, assigned_arm: record['unit_id'] === 'u-7' ? 'third' : record['assigned_arm'] }))).out, /There is no record/);
  });

  it('the exit code is 5, because the candidate is alone, unless a guardrail has a limit of its own', async () => {
    const alone = (record: Record<string, unknown>): object => ({ ...record, assigned_arm: 'candidate', model_version: '14' });
    for (const run of [(context: CliContext) => quality.run(context), compareReleased]) {
      const { code, out, warned } = await ran(ERRORS, alone, run);
      assert.match(out, /no control/);
      assert.deepEqual([code, warned], [5, ['No guardrail was compared (errors: current has no data). Where nobody is left to compare with, a guardrail judges the candidate by a limit of its own, such as limit: 0.05.']]);
      const limited = await ran(`${LOG}guardrails: [{name: errors, bad: error, limit: 0.5}]`, alone, run);
      assert.deepEqual([limited.code, limited.warned], [0, []]);
    }
  });

  it('the exit code is 5, because every guardrail is void, and 0 where one is not', async () => {
    const sparse = (record: Record<string, unknown>): object => (record['assigned_arm'] === 'candidate' && Number(String(record['request_id']).slice(2)) % 2 === 0 ? { ...record, latency_ms: undefined } : record);
    const SLOW = '{name: slow, bad: latency_ms > 80}';
    const { code, warned } = await ran(`${LOG}guardrails: [${SLOW}]`, sparse);
    assert.equal(code, 5);
    assert.match(warned.join(), /^No guardrail was compared \(slow: the arms tell it of different shares of their records [^)]*\), and what is left out may be what is bad\)\.$/);
    assert.equal((await ran(`${LOG}guardrails: [${SLOW}, {name: errors, bad: error}]`, sparse)).code, 0);
  });

  it('the exit code is 5, because scores are no probabilities or no prediction has an outcome, and 0 where another guardrail tells', async () => {
    const logits = (record: Record<string, unknown>): object => ({ ...record, score: 8 * Number(record['score']) - 4, outcome: Number(record['score']) > 0.5 });
    const ACCURACY = '{name: accuracy, measure: accuracy, margin: 0.05}';
    for (const run of [(context: CliContext) => quality.run(context), compareReleased]) {
      const { code, out, warned } = await ran(`${LOG}guardrails: [${ACCURACY}]`, logits, run);
      assert.match(out, /insufficient data/);
      assert.equal(code, 5);
      assert.match(warned.join(), /^No guardrail was compared \(accuracy: give labels: \{threshold: \.\.\.\}, at which the service decides: 0\.5 does not divide scores .*\)\.$/);
    }
    assert.equal((await ran(`${LOG}labels: {threshold: 0}\nguardrails: [${ACCURACY}]`, logits)).code, 0, 'they are divided');
    assert.equal((await ran(`${LOG}guardrails: [${ACCURACY}, {name: errors, bad: error}]`, logits)).code, 0);
    const absent = await ran(`${LOG}labels: {field: outcome, mature_after: 1m, absent_means: 0}\nguardrails: [${ACCURACY}]`);
    assert.equal(absent.code, 5);
    assert.match(absent.warned.join(), /^No guardrail was compared \(accuracy: none of the 400 predictions that have matured has an outcome, and absence alone says nothing\)\.$/);
  });

  it('the exit code is 5, because no guardrail reads a field that is there', async () => {
    const { code, warned } = await ran(`${LOG}guardrails: [{name: dear, bad: amount > 5}, {name: slow, bad: latency > 80}]\nsignals: [{name: latency, mean: latency_ms}]`);
    assert.equal(code, 5);
    assert.match(warned.join(), /^No guardrail has a record of candidate or current: nothing was compared \(dear: no record tells it; slow: no record tells it\)\.$/);
    assert.equal((await ran(`${LOG}guardrails: [{name: dear, bad: amount > 5}, {name: errors, bad: error}]`)).code, 0, 'one was compared');
    assert.equal((await ran(`${LOG}signals: [{name: dear, mean: amount}]`)).code, 0, 'there is no guardrail');
  });

  it('the exit code is 5, because a command tells other metrics', async () => {
    const windows = ['candidate', 'current'].map((arm) => ({ arm, start: Date.now() - 600_000, end: Date.now() - 300_000, requests: 10, metrics: { failures: { n: 10, sum: 1 } } }));
    writeFileSync(join(cwd, 'windows.json'), JSON.stringify({ windows, design_effect: 1 }));
    const { code, out } = await ran('source: {exec: [cat, windows.json]}\nguardrails: [{name: errors, bad: error}]');
    assert.equal(code, 5);
    assert.match(out, /cat tells nothing about errors\./);
  });

  it('the environments that there are are named, or that no record names one', async () => {
    const inProduction = (context: CliContext): Promise<number> => quality.run({ ...context, options: { environment: 'live' } });
    const code = 'network';
    await assert.rejects(ran(ERRORS, (record) => ({ ...record, environment: undefined }), inProduction), { code, message: 'There is no record of the environment "live". No record names an environment: leave --environment out.' });
    await assert.rejects(ran(ERRORS, (record) => ({ ...record, environment: record['assigned_arm'] === 'candidate' ? undefined : 'production' }), inProduction), { code, message: 'There is no record of the environment "live". There are: some that name none, production.' });
  });

  it('shadow says what it needs before it asks anybody', async () => {
    const section = 'source: {prometheus: {url: "http://127.0.0.1:9", design_effect: 1, queries: {errors: {total: \'t{arm="$arm"}\', bad: \'b{arm="$arm"}\'}}}}\nguardrails: [{name: errors, bad: error}]';
    await assert.rejects(ran(section, undefined, (context) => shadow.run(context)), { code: 'validation', message: 'Shadow answers need the records themselves: source: {log: ...}.' });
    await assert.rejects(ran(section), { code: 'network', message: /^http:\/\/127\.0\.0\.1:9 cannot be reached.* It is the Prometheus of source\.prometheus\.url\.$/ });
  });

  it('how the sample ratio is checked is said where nothing but the configured share is missing', async () => {
    const hint = '--percent N, what the candidate was configured to get all the time, has the sample ratio checked.';
    assert.ok((await ran(ERRORS)).out.includes(hint));
    assert.ok(!(await ran(ERRORS, (record) => record, (context) => quality.run({ ...context, options: { percent: '50' } }))).out.includes(hint));
    assert.ok(!(await ran(ERRORS, (record) => ({ ...record, unit_id: undefined }))).out.includes(hint), 'by records without units it is not');
  });

  it('where: that leaves out everything is said to do so', async () => {
    const { code, warned } = await ran(`${ERRORS}\nwhere: features.group == "none"`);
    assert.deepEqual([code, warned], [5, ['where: leaves out all 400 records of this model: nothing was compared. Where a record does not tell features.group, it is left out, too.']]);
  });
});
