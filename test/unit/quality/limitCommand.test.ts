import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareReleased, quality } from '../../../src/cli/commands/quality.ts';
import type { CliContext } from '../../../src/cli/context.ts';
import { lines, recordsOfToday, type PredictionRecord, type RecordOptions } from '../../support/qualityRecords.ts';
import { runQuality, type QualityRun } from '../../support/qualityRun.ts';

describe('limits of their own in quality and compare', () => {
  let cwd: string;
  beforeEach(() => { cwd = mkdtempSync(join(tmpdir(), 'modelswitch-limit-')); });
  afterEach(() => rmSync(cwd, { recursive: true }));

  const COMMANDS = [(context: CliContext): Promise<number> => quality.run(context), compareReleased];
  const ERRORS = 'source: {log: log.jsonl}\nguardrails: [{name: errors, bad: error, limit: 0.1}]';
  const isCandidate = ({ assigned_arm: arm }: PredictionRecord): boolean => arm === 'candidate';

  async function ran(records: Omit<RecordOptions, 'count'>, { section = ERRORS, options = {}, keep = () => true, run }: { readonly section?: string; readonly options?: CliContext['options']; readonly keep?: (record: PredictionRecord) => boolean; readonly run?: (context: CliContext) => Promise<number> } = {}): Promise<QualityRun> {
    writeFileSync(join(cwd, 'log.jsonl'), lines(recordsOfToday({ count: 4000, ...records }).filter(keep)));
    return runQuality(cwd, section, { options, ...(run === undefined ? {} : { run }) });
  }

  it('one that is passed is shown, and the exit code is 1, also where nobody is left to compare with', async () => {
    for (const run of COMMANDS) {
      const { code, out } = await ran({ candidateErrors: 0.3 }, { keep: isCandidate, run });
      assert.match(out, /Candidate against limits of its own in production\n +metric +candidate +limit +verdict +because\n +errors +(?:29|3\d)(?:\.\d)? %, n \S+ +10 % +past +shown by evidence/);
      assert.match(out, /no control/);
      assert.equal(code, 1);
    }
  });

  it('is held against the candidate alone, and is so where the current version fails as often', async () => {
    assert.equal((await ran({ candidateErrors: 0.3, currentErrors: 0.3 })).code, 1);
    const { code, out } = await ran({ candidateErrors: 0.02, currentErrors: 0.3 });
    assert.match(out, /errors +\S+ %, n \S+ +10 % +within +what there is does not pass it/);
    assert.equal(code, 0);
  });

  it('is undecided where a few records pass it, which changes nothing', async () => {
    const { code, out } = await ran({ candidateErrors: 0.115, currentErrors: 0.115 });
    assert.match(out, /10 % +undecided +what there is passes it, which may be chance still/);
    assert.equal(code, 0);
  });

  it('is judged by the level that the guard gives it, among all limits', async () => {
    const { out } = await ran({}, { section: `${ERRORS.slice(0, -1)}, {name: slow, mean: latency_ms, margin: 5, limit: 20}, {name: dear, bad: features.amount > 2000}]`, options: { json: true } });
    const { comparisons: [{ limits = [] } = {}] } = JSON.parse(out) as { comparisons: { limits?: Record<string, unknown>[] }[] };
    assert.deepEqual(limits.map(({ name, limit, verdict }) => [name, limit, verdict]), [['errors', 0.1, 'within'], ['slow', 20, 'past']]);
    const { n, value } = limits[1]?.['candidate'] as { n: number; value: number };
    assert.ok(n > 500 && value > 45 && value < 55);
  });

  it('says why it is not judged, and stands in Markdown', async () => {
    const { code, out } = await ran({}, { section: 'source: {log: log.jsonl}\nguardrails: [{name: errors, bad: error}, {name: right, measure: accuracy, margin: 0.1, limit: 0.8}]', options: { markdown: true } });
    assert.match(out, /## Candidate against limits of its own in production\n\n\| metric [^\n]*\n[^\n]*\n\| right \| no data, n 0 \| 0\.8 \| insufficient data \| no record tells it \|/);
    assert.equal(code, 0);
  });

  it('there is no table where there is no limit', async () => {
    assert.doesNotMatch((await ran({}, { section: 'source: {log: log.jsonl}\nguardrails: [{name: errors, bad: error}]' })).out, /limits of its own/);
  });
});
