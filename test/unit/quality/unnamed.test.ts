import assert from 'node:assert/strict';
import { limitFinding } from '../../../src/core/quality/absolute.ts';
import { Collector } from '../../../src/core/quality/collector.ts';
import { compareArms, type ComparisonReport } from '../../../src/core/quality/comparison.ts';
import { readQuality, type QualityDefinition } from '../../../src/core/quality/definitions.ts';
import { isPresent } from '../../../src/core/expressions/evaluate.ts';
import { NOBODY } from '../../../src/core/quality/unnamed.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { records, START, type RecordOptions } from '../../support/qualityRecords.ts';
import { seeded } from '../flags/rolloutSupport.ts';

const UNNAMED = 'records have neither unit_id nor batch_id';

function defined(source: Record<string, unknown> = {}): QualityDefinition {
  const { quality, problems } = readQuality({ source: { log: 'x.jsonl', ...source }, guardrails: [{ name: 'errors', bad: 'error' }, { name: 'slow', mean: 'latency_ms', margin: 20 }] });
  assert.deepEqual(problems, []);
  return quality ?? assert.fail();
}

/** `named`: of every how many records one says of whom it is; 0: none. */
function collected(definition: QualityDefinition, options: RecordOptions, named: number, since?: number): QualityData {
  const collector = new Collector(definition, { flags: ['fraud-v2'] });
  collector.since = since;
  for (const [index, { unit_id, ...record }] of records(options).entries()) collector.add({ ...record, ...(named > 0 && index % named === 0 ? { unit_id } : {}) }, () => 'record');
  return collector.data(START + 90 * 86_400_000, []);
}

function compared(options: RecordOptions, named: number, source: Record<string, unknown> = {}, share = 0.25): ComparisonReport {
  const definition = defined(source);
  return compareArms(collected(definition, options, named), definition, 'production', { shareAt: () => share });
}

const verdicts = ({ metrics }: ComparisonReport): readonly string[] => metrics.map(({ verdict }) => verdict);

describe('records that name no unit', () => {
  const healthy = { count: 60_000 };

  it('let no release go on, and do not check the sample ratio, whatever they come to', () => {
    assert.deepEqual(verdicts(compared(healthy, 1)), ['not worse', 'not worse']);
    const report = compared(healthy, 0);
    assert.deepEqual(verdicts(report), ['undecided', 'undecided']);
    assert.equal(report.metrics[0]?.because, `${UNNAMED}, so nobody knows how many are of one user: log unit_id, or say source.design_effect`);
    assert.deepEqual([report.sampleRatio.verdict, report.sampleRatio.because], ['not checked', UNNAMED]);
    assert.equal(compared(healthy, 0, {}, 0.5).sampleRatio.verdict, 'not checked');
    assert.equal(compared(healthy, 1, {}, 0.5).sampleRatio.verdict, 'mismatch');
  });

  it('still tell that a candidate is worse', () => {
    assert.equal(verdicts(compared({ count: 40_000, candidateErrors: 0.06 }, 0))[0], 'worse');
  });

  it('say what they can where design_effect is given, which divides all that is counted', () => {
    const report = compared(healthy, 0, { design_effect: 1.5 });
    assert.deepEqual([...verdicts(report), report.metrics[0]?.dispersion], ['not worse', 'not worse', 1.5]);
    assert.equal(report.sampleRatio.verdict, 'not checked');
    assert.equal(verdicts(compared({ count: 10_000, candidateErrors: 0.05 }, 0))[0], 'worse');
    assert.equal(verdicts(compared({ count: 10_000, candidateErrors: 0.05 }, 0, { design_effect: 20 }))[0], 'undecided');
    // It is measured where they do.
    assert.ok((compared(healthy, 1, { design_effect: 20 }).metrics[0]?.dispersion ?? 20) < 5);
  });

  it('are told, with what to do', () => {
    const { notes } = collected(defined(), { count: 100 }, 0);
    assert.ok(notes.messages.some((words) => words.startsWith(`production: ${UNNAMED}, so the sample ratio is not checked. Nothing is called not worse by them`) && words.endsWith('Log unit_id, or say source.design_effect.')), notes.messages.join());
    assert.ok(collected(defined({ design_effect: 2 }), { count: 100 }, 0).notes.messages.some((words) => words.endsWith('Counts are divided by source.design_effect (2).')));
    assert.deepEqual(collected(defined(), { count: 100 }, 1).notes.messages.filter((words) => words.includes(UNNAMED)), []);
  });

  it('are units of their own where others beside them do, a tenth at least', () => {
    assert.deepEqual(verdicts(compared(healthy, 2)), ['not worse', 'not worse']);
    assert.equal(verdicts(compared(healthy, 8))[0], 'not worse');
    assert.equal(verdicts(compared(healthy, 20))[0], 'undecided');
  });

  it('are those that name nobody, in whatever words', () => {
    const all = records({ count: 8000 });
    const named = (name: (unit: string, index: number) => Partial<Record<'unit_id' | 'batch_id', string>>): QualityData => {
      const collector = new Collector(defined(), { flags: ['fraud-v2'] });
      for (const [index, record] of all.entries()) collector.add({ ...record, ...name(record.unit_id, index) }, () => 'record');
      return collector.data(START + 90 * 86_400_000, []);
    };
    for (const word of [...NOBODY, 'None', 'Anonymous', 'NULL', ' ']) {
      const { unnamed, notes } = named(() => ({ unit_id: word }));
      assert.deepEqual(unnamed, { environments: ['production'] }, word);
      assert.equal(notes.unitsInBothArms, 0, word);
    }
    for (const word of NOBODY.slice(0, NOBODY.indexOf('anonymous'))) assert.equal(isPresent(word), false, `${word} is no error either`);
    assert.equal(named(() => ({ batch_id: 'None' })).unnamed, undefined, 'then unit_id names the unit');
    // Whatever else all are called: it is one unit, in each arm.
    const one = named(() => ({ unit_id: 'web' }));
    const report = compareArms(one, defined(), 'production', { shareAt: () => 0.25 });
    assert.deepEqual([report.metrics[0]?.verdict, report.sampleRatio.verdict, report.sampleRatio.because], ['undecided', 'not checked', '1 units are too few to tell']);
    const half = named((unit, index) => ({ unit_id: index % 2 === 0 ? 'web' : unit }));
    assert.deepEqual(half.notes.messages.filter((words) => words.includes('Where it stands for many')).length, 2, half.notes.messages.join());
    assert.ok((compareArms(half, defined(), 'production').metrics[0]?.dispersion ?? 1) > 2);
    assert.deepEqual(named((unit) => ({ unit_id: unit })).notes.messages.filter((words) => words.includes('unit')), []);
  });

  it('take no healthy candidate back because one client with much of its records fails with either version', () => {
    const office = (seed: number): ComparisonReport => {
      const random = seeded(seed);
      const collector = new Collector(defined(), { flags: ['fraud-v2'] });
      for (const [index, record] of records({ count: 40_000, share: 0.05, seed }).entries()) {
        collector.add({ ...record }, () => 'record');
        if (index % 20 === 0) collector.add({ ...record, request_id: `office-${index}`, unit_id: 'office', assigned_arm: 'candidate', error: random() < 0.3 ? 'timeout' : null }, () => 'record');
      }
      return compareArms(collector.data(START + 90 * 86_400_000, []), defined(), 'production', { shareAt: () => 0.05 });
    };
    for (const seed of [1, 2]) assert.equal(verdicts(office(seed))[0], 'undecided', String(seed));
  });

  it('do not matter where they are from before evidence began', () => {
    const definition = defined();
    const collector = new Collector(definition, { flags: ['fraud-v2'] });
    const began = START + 86_400_000;
    collector.since = began;
    for (const record of records({ count: 60_000 })) collector.add({ ...record, unit_id: null }, () => 'record');
    for (const record of records({ count: 5000, firstId: 60_000 })) collector.add({ ...record, ts: new Date(Date.parse(record.ts) + 86_400_000).toISOString() }, () => 'record');
    const data = collector.data(START + 90 * 86_400_000, []);
    assert.equal(data.unnamed, undefined);
  });

  it('are kept with what was counted', () => {
    const definition = defined();
    const collector = new Collector(definition, { flags: ['fraud-v2'] });
    for (const record of records({ count: 100 })) collector.add({ ...record, unit_id: null }, () => 'record');
    const again = new Collector(definition, { flags: ['fraud-v2'] }, structuredClone(collector.saved));
    assert.deepEqual(again.data(START, []).unnamed, { environments: ['production'] });
  });

  it('divide what is held against a limit by design_effect, too', () => {
    const state = (source: Record<string, unknown>): string | undefined => {
      const definition = defined(source);
      const data = collected(definition, { count: 4000, candidateErrors: 0.09 }, 0);
      const windows = data.windows.filter(({ arm }) => arm === 'candidate');
      return limitFinding({ ...(definition.metrics[0] ?? assert.fail()), limit: 0.05 }, windows, { data, environment: 'production', arm: 'candidate', among: 1 })?.state;
    };
    assert.equal(state({}), 'passed');
    assert.equal(state({ design_effect: 20 }), 'within');
  });

  it('have their design_effect in the log only', () => {
    assert.deepEqual(readQuality({ source: { exec: ['a'], design_effect: 2 } }).problems.map(({ path }) => path), [['source', 'design_effect']]);
  });
});
