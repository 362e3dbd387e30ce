import assert from 'node:assert/strict';
import { limitFinding } from '../../../src/core/quality/absolute.ts';
import { Collector } from '../../../src/core/quality/collector.ts';
import { compareArms, currentAlike, type ComparisonReport, type MetricComparison } from '../../../src/core/quality/comparison.ts';
import { shortWindows } from '../../../src/core/quality/comparisonWords.ts';
import { readQuality, type QualityDefinition } from '../../../src/core/quality/definitions.ts';
import { driftReport, featureDrift } from '../../../src/core/quality/drift.ts';
import { dataOfWindows } from '../../../src/core/quality/plainData.ts';
import { blocksText, comparisonBlocks, driftBlocks, notesBlock, statusBlocks } from '../../../src/core/quality/reportText.ts';
import { shadowReport } from '../../../src/core/quality/shadow.ts';
import { shadowBlocks } from '../../../src/core/quality/shadowText.ts';
import { allocationIntervals } from '../../../src/core/quality/strata.ts';
import type { FeatureSample, QualityData, QualityWindow } from '../../../src/core/quality/window.ts';
import { partOf } from '../../support/productionParts.ts';
import { records, START, type RecordOptions } from '../../support/qualityRecords.ts';

const SECTION = {
  guardrails: [{ name: 'errors', bad: 'error', max_ratio: 1.2, accept_ratio: 1.8 }, { name: 'slow', bad: 'latency_ms > 80' }],
  signals: [{ name: 'score', mean: 'score', margin: 0.05 }],
};

function definition(section: Record<string, unknown> = SECTION): QualityDefinition {
  const { quality, problems } = readQuality(section);
  assert.deepEqual(problems, []);
  return quality ?? assert.fail();
}

function collect(all: readonly object[], section?: Record<string, unknown>, options: { features?: readonly string[] } = {}, now = START + 90 * 86_400_000): QualityData {
  const collector = new Collector(definition(section), { flags: ['fraud-v2'], ...options });
  for (const record of all) collector.add(record as Record<string, unknown>, () => 'record');
  return collector.data(now, []);
}

const compare = (options: RecordOptions, share?: number): ComparisonReport => compareArms(collect(records(options)), definition(), 'production', share === undefined ? {} : { shareAt: () => share });
const metric = (report: ComparisonReport, name: string): MetricComparison => report.metrics.find((each) => each.name === name) ?? assert.fail(`no metric ${name}`);

describe('comparing the arms', () => {
  it('finds a candidate with twice the errors worse, and says by how much', () => {
    const report = compare({ count: 40_000, candidateErrors: 0.05 });
    const errors = metric(report, 'errors');
    assert.equal(errors.verdict, 'worse');
    assert.ok(errors.interval!.low > 1.2 && errors.interval!.low < 2.5 && errors.interval!.high > 2.5, JSON.stringify(errors.interval));
    assert.ok(Math.abs(errors.effect! - 2.5) < 0.6);
    assert.ok(report.joint.alarms);
    assert.equal(metric(report, 'slow').verdict === 'worse', false);
  });

  it('finds a healthy one not worse when there is evidence, undecided before', () => {
    assert.equal(metric(compare({ count: 60_000, candidateErrors: 0.02 }), 'errors').verdict, 'not worse');
    const early = compare({ count: 500 });
    assert.equal(metric(early, 'errors').verdict, 'undecided');
    assert.equal(early.joint.alarms, false);
  });

  it('does not find one not worse by what makes both arms fail alike for a while', () => {
    const windows = (of: 'outage' | 'none'): QualityWindow[] => Array.from({ length: 24 }, (_, index) => index).flatMap((index) => ([['candidate', 100, 0.02], ['current', 1900, 0.01]] as const).map(([arm, n, rate]) => {
      const bad = Math.round(n * (of === 'outage' && index >= 2 && index < 8 ? 0.3 : rate));
      return { arm, environment: '', service: '', start: START + index * 300_000, end: START + (index + 1) * 300_000, requests: n, units: n, metrics: { errors: { n, sum: bad, squares: bad } } };
    }));
    const found = (of: 'outage' | 'none'): MetricComparison => metric(compareArms(dataOfWindows(windows(of), { designEffect: 1, messages: [] }), definition({ guardrails: [{ name: 'errors', bad: 'error', max_ratio: 1.2, accept_ratio: 1.8 }] }), ''), 'errors');
    // Twice the errors, and half an hour of 30 % in both.
    const { verdict, interval } = found('outage');
    assert.deepEqual([found('none').verdict, verdict], ['undecided', 'undecided']);
    assert.ok((interval?.high ?? 0) > 2, 'nor does the interval leave out what it is');
  });

  it('says how many bad events count for less, because both fail far more often then', () => {
    const nightly = Array.from({ length: 24 }, (_, hour) => hour).flatMap((hour) => ([['candidate', 500], ['current', 1500]] as const).map(([arm, n]) => {
      const bad = hour % 24 === 3 ? n / 10 : hour % 12 === 5 ? n / 500 : 0;
      return { environment: '', service: '', arm, start: START + 3_600_000 * hour, end: START + 3_600_000 * (hour + 1), requests: n, units: n, metrics: { errors: { n, sum: bad, squares: bad } } };
    }));
    const { verdict, because } = metric(compareArms(dataOfWindows(nightly, { designEffect: 1, messages: [] }), definition({ guardrails: [{ name: 'errors', bad: 'error', max_ratio: 1.2, accept_ratio: 1.8 }] }), ''), 'errors');
    assert.equal(verdict, 'undecided');
    assert.match(because, /; of 208 bad events 20\d came while the current version failed more than 5 times as often as usual, and count as \d$/);
    assert.doesNotMatch(metric(compare({ count: 400 }), 'errors').because, /as usual/);
  });

  it('compares means by differences, and not below 200 units', () => {
    assert.equal(metric(compare({ count: 40_000 }), 'score').verdict, 'not worse');
    assert.equal(metric(compare({ count: 300 }), 'score').verdict, 'insufficient data');
    const worse = collect(records({ count: 20_000 }).map((record) => ({ ...record, score: record.assigned_arm === 'candidate' ? record.score + 0.2 : record.score })));
    const score = compareArms(worse, definition(), 'production').metrics.find(({ name }) => name === 'score');
    assert.equal(score?.verdict, 'worse');
    assert.ok(score.interval!.low < 0.2 && score.interval!.high > 0.2);
  });

  describe('of means, below 200 units whose requests do not depend on each other', () => {
    /** Units of each arm, `each` requests of every one in the hours from `hour` on. */
    const asking = (candidates: number, each: number, { hour = 0, first = 0 } = {}): object[] => records({ count: (candidates + 2000) * each, seed: 1 + hour, firstId: 1_000_000 * hour + first }).map((record, index) => {
      const unit = index % (candidates + 2000);
      return { ...record, ts: new Date(START + hour * 3_600_000 + index).toISOString(), unit_id: `v-${first + unit}`, assigned_arm: unit < candidates ? 'candidate' : 'current' };
    });
    const score = (data: QualityData, options = {}): MetricComparison => metric(compareArms(data, definition(), 'production', options), 'score');

    it('says nothing, however many requests they are', () => {
      const few = score(collect(asking(60, 50)));
      assert.ok(few.dispersion < 1.5 && few.candidate.n === 3000, JSON.stringify(few));
      assert.deepEqual([few.verdict, few.because], ['insufficient data', 'needs 200 units per arm']);
      assert.equal(score(collect(asking(199, 50))).verdict, 'insufficient data');
      assert.equal(score(collect(asking(200, 50))).verdict, 'not worse');
    });

    it('says nothing either where a source tells windows and how many units are new in them', () => {
      const told = (units: number): QualityData => {
        const { windows } = collect(asking(units, 100));
        return dataOfWindows(windows, { designEffect: 1, messages: [] });
      };
      assert.deepEqual([128, 200].map((units) => score(told(units)).verdict), ['insufficient data', 'not worse']);
      const unknown = told(128);
      assert.equal(score({ ...unknown, windows: unknown.windows.map((window) => ({ ...window, units: 0 })), arms: unknown.arms.map((arm) => ({ ...arm, units: 0 })) }).verdict, 'not worse', 'effective observations count where no units are known');
    });

    it('is what counts in each stretch of one percentage, where units come back', () => {
      const both = (candidates: number): MetricComparison => {
        const share = candidates / (candidates + 2000);
        return score(collect([...asking(candidates, 20), ...asking(candidates, 20, { hour: 1 })]), { shareAt: (start: number) => (start < START + 3_600_000 ? share : share + 0.01) });
      };
      // No unit is new in the second hour: both stretches count all the same, or none.
      const [few, many] = [both(150), both(500)];
      assert.deepEqual([few.verdict, many.verdict], ['insufficient data', 'not worse']);
      const first = score(collect(asking(500, 20)));
      assert.ok((many.interval?.high ?? 1) - (many.interval?.low ?? 0) < 0.9 * ((first.interval?.high ?? 0) - (first.interval?.low ?? 1)), 'the second stretch does not count');
    });

    it('counts those that told the metric, and those of a slice', () => {
      const section = { ...SECTION, by: ['features.country'] };
      const some = asking(1000, 20).map((record, index) => (index % 1000 >= 100 ? { ...record, score: null } : record));
      const sparse = score(collect(some));
      assert.deepEqual([sparse.candidate.n, sparse.verdict], [2000, 'insufficient data']);
      const sliced = (units: number): string[] => compareArms(collect(asking(units, 30), section), definition(section), 'production').slices.filter(({ name }) => name === 'score').map(({ verdict }) => verdict);
      assert.deepEqual(sliced(150), ['insufficient data', 'insufficient data', 'insufficient data']);
      assert.ok(sliced(900).every((verdict) => verdict === 'not worse'), sliced(900).join());
    });

    it('holds for limits', () => {
      const section = { guardrails: [{ name: 'score', mean: 'score', margin: 0.1, limit: 0.3 }] };
      const state = (units: number): string | undefined => {
        const data = collect(asking(units, 50), section);
        const [of] = definition(section).metrics;
        return limitFinding(of ?? assert.fail(), data.windows.filter(({ arm }) => arm === 'candidate'), { data, environment: 'production', arm: 'candidate', among: 1 })?.state;
      };
      assert.deepEqual([60, 200].map(state), ['insufficient', 'passed']);
    });
  });

  it('keeps environments apart, and does not compare without a control', () => {
    const data = collect([...records({ count: 5000 }), ...records({ count: 5000, environment: 'development', share: 1, firstId: 10_000, candidateErrors: 0.9 })]);
    assert.equal(metric(compareArms(data, definition(), 'development'), 'errors').verdict, 'no control');
    assert.notEqual(metric(compareArms(data, definition(), 'production'), 'errors').verdict, 'worse');
    assert.equal(metric(compareArms(data, definition(), 'nowhere'), 'errors').verdict, 'insufficient data');
  });

  it('asks for the sample ratio first: a mismatch voids, but never a breach', () => {
    const healthy = compare({ count: 60_000, units: 20_000 }, 0.25);
    assert.equal(healthy.sampleRatio.verdict, 'as configured');
    const mismatch = compare({ count: 60_000, units: 20_000 }, 0.5);
    assert.equal(mismatch.sampleRatio.verdict, 'mismatch');
    assert.equal(metric(mismatch, 'errors').verdict, 'void');
    assert.equal(metric(compare({ count: 60_000, units: 20_000, candidateErrors: 0.08 }, 0.5), 'errors').verdict, 'worse');
    assert.equal(compare({ count: 1000 }).sampleRatio.verdict, 'not checked');
  });

  it('divides by the dispersion of units', () => {
    // Two users of the candidate have all the errors: 100 each of 100.
    const all = records({ count: 20_000, units: 200, candidateErrors: 0.02 }).map((record) => ({ ...record, error: record.assigned_arm === 'candidate' ? (record.unit_id === 'u-0' ? 'x' : null) : record.error }));
    const report = compareArms(collect(all), definition(), 'production');
    assert.ok(metric(report, 'errors').dispersion > 5);
    assert.notEqual(metric(report, 'errors').verdict, 'worse');
  });

  it('tells how many units told each metric in each arm, where they are known', () => {
    // 100 units of the candidate and 300 of the current version, ten requests each, of which every second unit tells a score.
    const all = records({ count: 4000 }).map((record, index) => ({ ...record, unit_id: `u-${index % 400}`, assigned_arm: index % 4 === 0 ? 'candidate' : 'current', score: index % 400 < 200 ? record.score : null, ts: new Date(START + index * 1000).toISOString(), outcome: 1 }));
    const section = { ...SECTION, signals: [...SECTION.signals, { name: 'area', measure: 'pr_auc' }], by: ['features.country'] };
    const data = collect(all, section);
    const report = compareArms(data, definition(section), 'production');
    const units = (name: string, of = report): unknown[] => [metric(of, name).candidate, metric(of, name).current].map(({ n, units: told }) => [n, told]);
    assert.deepEqual(units('errors'), [[1000, 100], [3000, 300]]);
    assert.deepEqual(units('score'), [[500, 50], [1500, 150]]);
    assert.deepEqual(units('area'), [[500, 50], [1500, 150]]);
    // In the last third nobody is new: as many as would have asked so often.
    const [[n, told]] = units('errors', compareArms(data, definition(section), 'production', { since: START + 2_700_000 })) as [[number, number]];
    assert.equal(told, Math.round(n / 10));
    assert.ok(report.slices.length > 0 && report.slices.every(({ candidate, current }) => candidate.n > 0 && candidate.units === undefined && current.units === undefined), 'of a slice the log knows none');
    const plain = data.windows.filter(({ slice }) => slice === undefined);
    const windows = [...plain, ...plain.map((window) => ({ ...window, slice: 'country = DE' }))];
    const [slice] = compareArms(dataOfWindows(windows, { designEffect: 1, messages: [] }), definition(section), 'production').slices.filter(({ slice: own }) => own === 'country = DE');
    assert.deepEqual([slice?.candidate.units, slice?.current.units], [100, 300]);
    const [own] = compareArms(dataOfWindows(data.windows.map((window) => ({ ...window, units: 0 })), { designEffect: 1, messages: [] }), definition(section), 'production').metrics;
    assert.deepEqual([own?.candidate.units, own?.current.units], [undefined, undefined]);
    const markdown = blocksText(comparisonBlocks(report), true);
    assert.match(markdown, /\| errors \| [\d.]+ % \([\d.]+ % to [\d.]+ %\), n 1k, 100 units \| [^|]+, n 3k, 300 units \|/);
    assert.match(markdown, /\| errors, country = DE \| [\d.]+ % \([^)]+\), n \d+ \|/);
  });

  it('widens the interval of a proportion by the dispersion', () => {
    const own = (units: number): { readonly low: number; readonly high: number } => metric(compareArms(collect(records({ count: 20_000, units: 4000 }).map((record, index) => ({ ...record, unit_id: `u-${index % units}`, assigned_arm: index % 2 === 0 ? 'candidate' : 'current', error: (index % units) % 20 < 2 ? 'x' : null }))), definition(), 'production'), 'errors').candidate.interval ?? assert.fail();
    const [few, many] = [own(400), own(20_000)];
    assert.ok(few.high - few.low > 4 * (many.high - many.low), JSON.stringify([few, many]));
  });

  it('divides observations like bad events, so that a rate above min_rate is one for units as well', () => {
    // 30 % of the candidate's users have nothing but errors, which is a rate of 30 % of as many independent observations as there are users.
    const section = { guardrails: [{ name: 'errors', bad: 'error', max_ratio: 1.2, min_rate: 0.03 }] };
    const all = records({ count: 40_000, units: 800 }).map((record) => ({ ...record, error: record.assigned_arm === 'candidate' && Number(record.unit_id.slice(2)) % 10 < 3 ? 'x' : null }));
    const errors = metric(compareArms(collect(all, section), definition(section), 'production'), 'errors');
    assert.ok(errors.dispersion > 20, String(errors.dispersion));
    assert.equal(errors.verdict, 'worse');
  });

  it('looks at slices by themselves', () => {
    const all = records({ count: 40_000 }).map((record) => ({ ...record, error: record.assigned_arm === 'candidate' && record.features.country === 'DE' && Number(record.request_id.slice(2)) % 5 === 0 ? 'x' : record.error }));
    const section = { ...SECTION, by: ['features.country'] };
    const report = compareArms(collect(all, section), definition(section), 'production');
    const verdicts = new Map(report.slices.filter(({ name }) => name === 'errors').map(({ slice, verdict }) => [slice, verdict]));
    assert.equal(verdicts.get('country = DE'), 'worse');
    assert.notEqual(verdicts.get('country = FR'), 'worse');
  });

  it('voids metrics on labels when the arms are labelled differently', () => {
    const section = { signals: [{ name: 'accuracy', measure: 'accuracy' }], labels: { field: 'outcome' } };
    const all = records({ count: 20_000, units: 5000 }).map((record, index) => ({ ...record, ...(record.assigned_arm === 'candidate' && index % 2 === 0 ? {} : { outcome: index % 3 === 0 ? 1 : 0 }) }));
    assert.equal(metric(compareArms(collect(all, section), definition(section), 'production'), 'accuracy').verdict, 'void');
  });

  it('does not even call a candidate worse by labels that the arms have for different shares', () => {
    const section = { guardrails: [{ name: 'wrong', bad: 'outcome == 1' }], labels: { field: 'outcome' } };
    const all = records({ count: 20_000, units: 5000 }).flatMap((record, index) => (record.assigned_arm === 'candidate' && index % 2 === 0 ? [record] : [{ ...record, outcome: record.assigned_arm === 'candidate' || index % 3 === 0 ? 1 : 0 }]));
    const { verdict, evidence } = metric(compareArms(collect(all, section), definition(section), 'production'), 'wrong');
    assert.deepEqual([verdict, (evidence ?? 0) > 1000], ['void', true]);
  });

  it('takes several guardrails together: one with much evidence is worse only when all of them alarm', () => {
    const reports = Array.from({ length: 60 }, (_, index) => compare({ count: 1000 + 250 * index, candidateErrors: 0.04 }));
    const between = reports.filter((report) => !report.joint.alarms && (metric(report, 'errors').evidence ?? 0) >= 40);
    assert.ok(between.length > 0, 'no case between');
    for (const report of between) {
      assert.equal(metric(report, 'errors').verdict, 'undecided');
      assert.match(metric(report, 'errors').because, /all guardrails together alarm at 40 : 1/);
    }
    assert.ok(reports.some(({ joint }) => joint.alarms));
    assert.ok(reports.every((report) => report.joint.alarms || report.metrics.every(({ verdict }) => verdict !== 'worse')));
  });

  it('takes who comes to several services for one unit, as dependent as in one', () => {
    // Ten requests a user; whoever has bad luck has it in every service.
    const all = records({ count: 12_000, units: 600 });
    const unlucky = (unit: string): boolean => Number(unit.slice(2)) % 25 === 0;
    const dependent = all.map((record) => ({ ...record, error: unlucky(record.unit_id) ? 'timeout' : null }));
    const among = (services: number): QualityData => collect(dependent.map((record, index) => ({ ...record, service: `service ${index % services}` })));
    const [one, ten] = [among(1), among(10)];
    const told = (data: QualityData): unknown => data.arms.map(({ arm, requests, units, unitSums: { errors } }) => ({ arm, requests, units, errors }));
    assert.deepEqual(told(ten), told(one), 'an arm is told once, in all services');
    assert.equal(ten.notes.unitsInBothArms, 0);
    const phi = (data: QualityData): number => compareArms(data, definition(), 'production').metrics.find(({ name }) => name === 'errors')?.dispersion ?? Number.NaN;
    assert.ok(phi(ten) > 15 && phi(ten) === phi(one), String(phi(ten)));
    assert.equal(ten.windows.reduce((sum, { units }) => sum + units, 0), one.windows.reduce((sum, { units }) => sum + units, 0), 'and counts where it was first seen');
  });

  it('decides nothing by one batch in each arm, whatever they came to', () => {
    const one = records({ count: 4000, share: 0.5, candidateErrors: 0.06 }).map((record) => ({ ...record, batch_id: `${record.assigned_arm} of tonight` }));
    const errors = compareArms(collect(one), definition(), 'production').metrics.find(({ name }) => name === 'errors');
    assert.deepEqual([errors?.verdict, errors?.because], ['undecided', 'too few units (1 and 1), or too unequal ones, to know how alike the records of one are: they count for little until there are more']);
    const sliced = { ...SECTION, by: ['features.country'] };
    const ofSlice = compareArms(collect(one, sliced), definition(sliced), 'production').slices.find(({ name }) => name === 'errors');
    assert.equal(ofSlice?.because, 'too few units, or too unequal ones, to know how alike the records of one are: they count for little until there are more', 'of a slice the log counts none');
    const many = one.map((record, index) => ({ ...record, batch_id: `${record.assigned_arm} ${index % 400}` }));
    assert.equal(compareArms(collect(many), definition(), 'production').metrics.find(({ name }) => name === 'errors')?.verdict, 'worse');
  });

  it('is not taken in by rounding: constant values are no dependence, and figures whose differences rounding hides no certainty', () => {
    const section = { signals: [{ name: 'certain', measure: 'entropy', margin: 0.1 }, { name: 'account', mean: 'features.amount', margin: 0.5 }] };
    const all = records({ count: 20_000 }).map((record, index) => ({ ...record, score: 0.1, features: { ...record.features, amount: 1e9 + (record.assigned_arm === 'candidate' ? 1 : 0) + (index % 2) } }));
    const [certain, account] = compareArms(collect(all, section), definition(section), 'production').metrics;
    assert.equal(certain?.verdict, 'not worse');
    assert.ok(certain.dispersion < 1.1);
    assert.deepEqual([account?.verdict, account?.because], ['undecided', 'shown is neither worse by more than 0.5 nor by less']);
  });

  it('checks the sample ratio by units that were followed, not by those that each stands for', () => {
    const window = (arm: string, units: number, drawn?: number): QualityWindow => ({ arm, environment: '', service: '', start: 0, end: 60_000, requests: units, units, metrics: {}, ...(drawn === undefined ? {} : { drawn }) });
    const verdict = (drawn?: [number, number]): string => compareArms(dataOfWindows([window('candidate', 5_012_000, drawn?.[0]), window('current', 4_988_000, drawn?.[1])], { designEffect: 1, messages: [] }), definition(), '', { shareAt: () => 0.5 }).sampleRatio.verdict;
    assert.equal(verdict(), 'mismatch');
    assert.equal(verdict([1_253_000, 1_247_000]), 'as configured', 'a quarter of the units says less');
  });

  it('tells the observed share of those who came at the last configured one', () => {
    const window = (arm: string, start: number, units: number): QualityWindow => ({ arm, environment: '', service: '', start, end: start + 60_000, requests: units, units, metrics: {} });
    const windows = [window('candidate', 0, 500), window('current', 0, 9500), window('candidate', 600_000, 250), window('current', 600_000, 750)];
    const { sampleRatio } = compareArms(dataOfWindows(windows, { designEffect: 1, messages: [] }), definition(), '', { shareAt: (start) => (start === 0 ? 0.05 : 0.25) });
    assert.deepEqual([sampleRatio.configured, sampleRatio.observed, sampleRatio.verdict], [0.25, 0.25, 'as configured']);
  });

  it('takes a limit for one of rates, however dependent requests are', () => {
    const limited = { ...(definition().metrics.find(({ name }) => name === 'errors') ?? assert.fail()), limit: 0.05 };
    const state = (rate: number, designEffect: number): string | undefined => {
      const windows = Array.from({ length: 20 }, (_, index): QualityWindow => ({
        arm: 'candidate', environment: 'production', service: '', start: index * 60_000, end: (index + 1) * 60_000, requests: 1000, units: 0, metrics: { errors: { n: 1000, sum: 1000 * rate, squares: 1000 * rate } },
      }));
      return limitFinding(limited, windows, { data: { arms: [], windows, designEffect }, environment: 'production', arm: 'candidate', among: 1 })?.state;
    };
    for (const designEffect of [1, 3, 10]) assert.equal(state(0.04, designEffect), 'within', String(designEffect));
    for (const designEffect of [1, 3, 10]) assert.equal(state(0.1, designEffect), 'passed', String(designEffect));
    // The more dependent they are, the less is known.
    assert.deepEqual([1, 30].map((designEffect) => state(0.07, designEffect)), ['passed', 'within']);
  });

  it('shares the level with limits, where guardrails have some', () => {
    const level = (guardrails: readonly Record<string, unknown>[]): number => compareArms(collect(records({ count: 1000 })), definition({ guardrails }), 'production').joint.level;
    const errors = { name: 'errors', bad: 'error' };
    assert.equal(level([errors]), 40);
    assert.equal(level([{ ...errors, limit: 0.2 }]), 80);
  });

  it('leaves guardrails of means their part of the level', () => {
    const section = { guardrails: [...SECTION.guardrails, { name: 'revenue', mean: 'score', better: 'higher', margin: 0.001 }] };
    const report = compareArms(collect(records({ count: 2000 }), section), definition(section), 'production');
    assert.equal(report.joint.level, 60);
  });

  it('says what the current version comes to where it is weighed as the candidate, when the plain rates contradict the ratio', () => {
    const window = (arm: string, start: number, n: number, bad: number): QualityWindow => ({ arm, environment: '', service: '', start, end: start + 1, requests: n, units: n, metrics: { errors: { n, sum: bad, squares: bad } } });
    const days = [window('current', 0, 990_000, 20_000), window('candidate', 0, 10_000, 230), window('current', 1, 500_000, 5000), window('candidate', 1, 500_000, 6000)];
    const [errors] = compareArms(dataOfWindows(days, { designEffect: 1, messages: [] }), definition({ guardrails: [{ name: 'errors', bad: 'error' }] }), '').metrics;
    assert.ok(errors !== undefined && errors.candidate.value < errors.current.value && (errors.effect ?? 0) > 1.1);
    const alike = currentAlike(errors) ?? assert.fail();
    assert.ok(Math.abs(errors.candidate.value / alike - (errors.effect ?? 0)) < 1e-9 && alike < errors.candidate.value);
    const [row] = comparisonBlocks({ environment: '', sampleRatio: { candidate: 0, current: 0, observed: 0, verdict: 'not checked', because: '' }, metrics: [errors], slices: [], joint: { evidence: 1, level: 40, alarms: false } }).flatMap((block) => ('rows' in block ? block.rows : []));
    assert.match(row?.[2] ?? '', /weighed as the candidate 1\.0\d %$/);
    const alone = compareArms(dataOfWindows(days.slice(0, 2), { designEffect: 1, messages: [] }), definition({ guardrails: [{ name: 'errors', bad: 'error' }] }), '').metrics[0] ?? assert.fail();
    assert.equal(currentAlike(alone), undefined, 'of one percentage both are the same');
    assert.match(alone.because, /^shown is neither more than 1\.2 times the current one's rate nor less than 1\.8 times|less than 1\.8 times/);
  });

  it('says that windows are too short where they seldom hold both arms, and compares longer ones', () => {
    const hourly = (share: number, perHour: number, candidateErrors: number, count: number): object[] => records({ count, share, units: count, candidateErrors }).map((record, index) => ({ ...record, unit_id: `v-${index}`, ts: new Date(START + (index * 3_600_000) / perHour).toISOString() }));
    const judged = (all: object[], window: string): MetricComparison => metric(compareArms(collect(all, { ...SECTION, window }), definition({ ...SECTION, window }), 'production'), 'errors');
    for (const all of [hourly(0.5, 1, 0.32, 1500), hourly(0.05, 2, 0.5, 3000)]) {
      const short = judged(all, '5min');
      assert.match(short.because, /^windows of 5 min mostly hold records of one arm only, which compare nothing \(\d % of what could be compared is\): let window be longer, such as 1h$/);
      assert.equal(short.verdict, 'undecided');
      assert.equal(judged(all, '1d').verdict, 'worse');
    }
    assert.match(shortWindows(0.01, 7 * 86_400_000), /^windows of 7 d mostly hold .*: the arms hardly serve at the same time$/);
  });

  it('never pools stretches of different allocation (Simpson)', () => {
    const window = (arm: string, start: number, n: number, bad: number): QualityWindow => ({ arm, environment: '', service: '', start, end: start + 1, requests: n, units: n, metrics: { errors: { n, sum: bad, squares: bad } } });
    const days = [window('current', 0, 990_000, 20_000), window('candidate', 0, 10_000, 230), window('current', 1, 500_000, 5000), window('candidate', 1, 500_000, 6000)];
    const [candidate, current] = ['candidate', 'current'].map((name) => days.filter(({ arm }) => arm === name));
    assert.equal(allocationIntervals(candidate!, current!).length, 2);
    assert.equal(allocationIntervals(candidate!, current!, () => 0.5).length, 1);
    // A share that is not known for some time does not make one stretch of what was different.
    assert.equal(allocationIntervals(candidate!, current!, () => undefined).length, 2);
  });

  it('tells the interval of Wilson for every proportion of an arm, by numbers that Newcombe published', () => {
    const section = { guardrails: [{ name: 'errors', bad: 'error' }], signals: [...['accuracy', 'precision', 'recall', 'uncertain', 'confident', 'brier', 'pr_auc'].map((measure) => ({ name: measure, measure })), { name: 'converted', mean: 'features.country == "DE"' }, { name: 'score', mean: 'score' }] };
    // 263 units of the candidate, all with the outcome 1, of which 81 were decided so; 20 of the current version, all decided against.
    const all = records({ count: 283 }).map((record, index) => ({
      ...record, unit_id: `u-${index}`, assigned_arm: index < 263 ? 'candidate' : 'current', outcome: 1, score: index < 81 ? 0.9 : 0.45, error: index < 81 ? 'x' : null, features: { ...record.features, country: index < 81 ? 'DE' : 'FR' },
    }));
    const report = compareArms(collect(all, section), definition(section), 'production');
    const intervals = (name: string): (number | undefined)[] => (['candidate', 'current'] as const).flatMap((arm) => [metric(report, name)[arm].interval?.low, metric(report, name)[arm].interval?.high].map((end) => (end === undefined ? end : Number(end.toFixed(4)))));
    for (const name of ['errors', 'accuracy', 'recall', 'confident', 'converted']) assert.deepEqual(intervals(name), [0.2553, 0.3662, 0, 0.1611], name);
    assert.deepEqual(intervals('uncertain'), [0.6338, 0.7447, 0.8389, 1]);
    assert.deepEqual(intervals('precision').slice(2), [undefined, undefined], 'nothing was decided so');
    for (const name of ['brier', 'pr_auc', 'score']) assert.deepEqual(intervals(name), [undefined, undefined, undefined, undefined], name);
    const text = blocksText(comparisonBlocks(report), false);
    assert.match(text, /accuracy +0\.308 \(0\.255 to 0\.366\), n 263, 263 units +0 \(0 to 0\.161\), n 20, 20 units /);
    assert.match(text, /errors +30\.8 % \(25\.5 % to 36\.6 %\), n 263, 263 units +0 % \(0 % to 16\.1 %\), n 20, 20 units /);
    assert.match(text, /score +0\.\d+, n 263, 263 units +0\.45, n 20, 20 units /);
  });

  it('takes no evidence from a metric of labels that the arms have for different shares', () => {
    const section = { ...SECTION, guardrails: [...SECTION.guardrails, { name: 'wrong', bad: 'converted == 0' }], labels: { field: 'converted' } };
    const all = records({ count: 20_000 });
    // Every outcome of the candidate is bad, but it has them for a third of its predictions only.
    const outcomes = all.filter(({ assigned_arm }, index) => assigned_arm === 'current' || index % 3 === 0).map(({ request_id, assigned_arm }, index) => ({ request_id, converted: assigned_arm === 'candidate' ? 0 : Number(index % 10 > 0) }));
    const report = compareArms(collect([...all, ...outcomes], section), definition(section), 'production');
    assert.equal(metric(report, 'wrong').verdict, 'void');
    assert.equal(report.joint.alarms, false);
  });

  it('counts from when the version went out', () => {
    const data = collect([...records({ count: 30_000, candidateErrors: 0.1 }), ...records({ count: 30_000, firstId: 30_000 }).map((record) => ({ ...record, ts: new Date(Date.parse(record.ts) + 86_400_000).toISOString() }))]);
    assert.equal(metric(compareArms(data, definition(), 'production'), 'errors').verdict, 'worse');
    const since = compareArms(data, definition(), 'production', { since: START + 43_200_000 });
    assert.notEqual(metric(since, 'errors').verdict, 'worse');
    assert.equal(metric(since, 'errors').candidate.n + metric(since, 'errors').current.n, 30_000);
  });
});

describe('arms that nothing of is compared', () => {
  it('are those of a stage at 0 %, whose candidates were chosen: members who do worse on either version', () => {
    const hour = 3_600_000;
    const raised = START + 24 * hour;
    // Every 33rd is a member, who has the candidate, and errs in 8 % on either; then 5 % of everyone for two hours.
    const all = Array.from({ length: 26_000 }, (_, index) => {
      const at = START + index * (hour / 1000);
      const isMember = index % 33 === 0;
      const arm = isMember ? at < raised : index % 20 === 1;
      const isError = isMember ? index % 396 === 0 || index % 429 === 0 : index % 50 === 7;
      return { ts: new Date(at).toISOString(), request_id: `r-${index}`, unit_id: `u-${index}`, environment: 'production', service: 's', flag: 'fraud-v2', assigned_arm: arm ? 'candidate' : 'current', score: 0.5, latency_ms: 5, error: isError ? 'x' : null };
    });
    const errors = (shareAt: (start: number) => number | undefined, rows = all): string[] => {
      const { verdict, because } = compareArms(collect(rows), definition(), 'production', { shareAt }).metrics[0] ?? assert.fail();
      return [verdict, because];
    };
    assert.deepEqual(errors(() => 0.05)[0], 'worse', 'where nobody knows');
    assert.equal(errors((start) => (start < raised ? 0 : 0.05))[0], 'undecided');
    assert.deepEqual(errors((start) => (start < raised ? 0 : 0.05), all.slice(0, 24_000)), ['no control', 'the percentage was 0: who has the candidate was chosen, not drawn']);
  });

  it('have no control, and why is said: services that differ, or times that do', () => {
    const all = records({ count: 6000, candidateErrors: 0.1 });
    const because = (found: readonly object[]): string[] => {
      const { verdict, because: words } = compareArms(collect(found), definition(), 'production').metrics[0] ?? assert.fail();
      return [verdict, words];
    };
    assert.equal(because(all)[0], 'worse');
    assert.deepEqual(because(all.filter(({ assigned_arm }, index) => (assigned_arm === 'candidate') === index < 3000)), ['no control', 'the arms have answered at other times or shares only: no stretch has records of both']);
    assert.deepEqual(because(all.map((record) => ({ ...record, service: record.assigned_arm === 'candidate' ? 'fraud-v2' : 'fraud-v1' }))), ['no control', 'services are never pooled, and candidate answered as fraud-v2 only, current as fraud-v1: log the same service for both, or none']);
  });
});

describe('windows in which the percentage changed', () => {
  const DAY = 86_400_000;
  const D0 = Date.UTC(2026, 2, 2);
  const [CHANGE, PER_DAY] = [D0 + 1.5 * DAY, 20_000];
  const shareAt = (start: number, end: number): number | undefined => (end <= CHANGE ? 0.05 : start >= CHANGE ? 0.95 : undefined);
  /** Errors are 1.5 % in the morning and 4.5 % after, of both arms; 5 % until noon of the second day, then 95 %. Half days as windows of `width`. */
  const windowsOf = (width: number, times: number, days: number, mornings = 0.015): QualityWindow[] => {
    const found = new Map<string, QualityWindow>();
    for (let half = D0; half < D0 + days * DAY; half += DAY / 2) {
      const share = half < CHANGE ? 0.05 : 0.95;
      const rate = (half - D0) % DAY === 0 ? mornings : 0.06 - mornings;
      for (const [arm, part, own] of [['candidate', share, rate * times], ['current', 1 - share, rate]] as const) {
        const start = Math.floor(half / width) * width;
        const before = found.get(`${arm} ${start}`);
        const n = (PER_DAY / 2) * part + (before?.requests ?? 0);
        const bad = (PER_DAY / 2) * part * own + (before?.metrics['errors']?.sum ?? 0);
        found.set(`${arm} ${start}`, { arm, environment: '', service: '', start, end: start + width, requests: n, units: n, metrics: { errors: { n, sum: bad, squares: bad }, failed: { n, sum: bad, squares: bad } } });
      }
    }
    return [...found.values()];
  };
  const SECTIONS = { guardrails: [{ name: 'errors', bad: 'error' }, { name: 'failed', mean: 'error == "x"', margin: 0.015 }] };
  const compared = (width: number, times: number, days: number, known: typeof shareAt | 'not given' = shareAt, mornings?: number): MetricComparison[] =>
    [...compareArms(dataOfWindows(windowsOf(width, times, days, mornings), { designEffect: 1, messages: [] }), definition({ ...SECTIONS, window: '1d' }), '', { ...(known === 'not given' ? {} : { shareAt: known }), since: D0 }).metrics];

  it('are left out, for the arms are of other hours there: nothing healthy is worse, and nothing bad is not', () => {
    const verdicts = (all: readonly MetricComparison[]): string[] => all.map(({ verdict }) => verdict);
    assert.deepEqual(verdicts(compared(DAY, 1, 12)), ['not worse', 'not worse']);
    assert.ok(Math.abs((compared(DAY, 1, 4)[0]?.effect ?? 0) - 1) < 1e-6);
    // Bad mornings hide a candidate that is twice as bad.
    assert.deepEqual(verdicts(compared(DAY, 2, 12, shareAt, 0.045)), ['worse', 'worse']);
    // Nobody says when it changed: as it was told.
    assert.equal(compared(DAY, 1, 2, () => undefined)[0]?.verdict, 'worse');
    assert.equal(compared(DAY, 1, 2, 'not given')[0]?.verdict, 'worse');
  });

  it('are none where they end at the change', () => {
    assert.deepEqual(compared(DAY / 2, 2, 2).map(({ because }) => /left out/.test(because)), [false, false]);
  });

  it('are told, where much is left out or nothing else is there', () => {
    const [errors, failed] = compared(DAY, 1.3, 2);
    assert.match(errors?.because ?? '', /; 50 % of the records are left out, because the percentage changed within their window \(of 1 d\)$/);
    assert.match(failed?.because ?? '', /; 50 % of the records are left out/);
    const all = compareArms(dataOfWindows(windowsOf(DAY, 2, 2), { designEffect: 1, messages: [] }), definition(SECTIONS), '', { shareAt, since: D0 + DAY }).metrics;
    assert.deepEqual(all.map(({ verdict, because }) => [verdict, because])[0], ['insufficient data', 'the percentage changed within the windows (of 1 d) that hold what there is, and arms are compared at one percentage only: what comes from 2026-03-04 00:00:00 UTC on is compared']);
  });
});

describe('drift', () => {
  const sample = (name: string, values: readonly number[], missing = 0): FeatureSample => ({ name, rows: values.length + missing, missing, values, categories: {}, otherCategories: 0 });
  const named = (name: string, categories: Record<string, number>): FeatureSample => ({ name, rows: Object.values(categories).reduce((a, b) => a + b, 0), missing: 0, values: [], categories, otherCategories: 0 });
  const units = { reference: 1000, production: 1000 };
  const uniform = Array.from({ length: 1000 }, (_, index) => index / 10);

  it('finds a shift and leaves none', () => {
    assert.equal(featureDrift(sample('a', uniform), sample('a', uniform.map((value) => value + 0.05)), units, 5).alarm, false);
    const shifted = featureDrift(sample('a', uniform), sample('a', uniform.map((value) => value * 1.5)), units, 5);
    assert.ok(shifted.alarm && shifted.kolmogorovSmirnov!.p < 1e-6);
    assert.ok(Math.abs(shifted.wasserstein! - 24.975) < 1e-6);
    assert.ok(Math.abs(shifted.unseenShare - 1 / 3) < 0.01);
  });

  it('says of few units that chance explains it', () => {
    const few = featureDrift(sample('a', uniform), sample('a', uniform.map((value) => value * 1.5)), { reference: 20, production: 20 }, 1);
    assert.ok(few.psi > 0.1 && !few.alarm && few.noise > few.psi, `${few.psi} ${few.noise}`);
  });

  it('compares categories, unseen ones and missing values', () => {
    const found = featureDrift(named('c', { DE: 500, FR: 500 }), named('c', { DE: 450, FR: 450, XX: 100 }), units, 1);
    assert.deepEqual([found.kind, found.unseen, found.unseenShare], ['category', ['XX'], 0.1]);
    assert.ok(found.alarm && found.chiSquared!.p < 1e-6);
    assert.equal(featureDrift(named('c', { DE: 500 }), named('c', { DE: 400 }), units, 1).psi, 0);
    assert.match(featureDrift(sample('a', uniform), sample('a', [], 500), units, 1).because, /^production has no value; missing 0 % -> 100 % /);
    assert.equal(featureDrift(sample('a', uniform, 0), sample('a', uniform, 250), units, 1).production.missing, 0.2);
    const report = driftReport([sample('a', uniform), sample('b', uniform)], [sample('a', uniform), sample('c', uniform)], units);
    assert.deepEqual([report.features.map(({ feature }) => feature), report.onlyReference, report.onlyProduction], [['a'], ['b'], ['c']]);
  });
});

describe('reports in words', () => {
  const data = collect([...records({ count: 4000 }), ...records({ count: 500, share: 0 }).map((record) => ({ ...record, role: 'shadow', assigned_arm: 'candidate' }))], undefined, {}, START + 600_000);
  const blocks = [...statusBlocks(data, START), ...comparisonBlocks(compareArms(data, definition(), 'production')), notesBlock(data.notes), ...driftBlocks(driftReport(partOf(data, 'current').features, partOf(data, 'candidate').features, { reference: 100, production: 100 }), 'a against b'), ...(data.shadow ?? []).flatMap((each) => shadowBlocks(shadowReport(each)))];

  it('stand in tables, as text and as Markdown', () => {
    const text = blocksText(blocks, false);
    for (const expected of [/Sample ratio in production: not checked/, /errors +\d[\d.]* % \(\d[\d.]* % to \d[\d.]* %\), n [\d.]+k?, [\d.]+k? units /, /agreement/, /PSI/]) assert.match(text, expected);
    const markdown = blocksText(blocks, true);
    assert.match(markdown, /^## Candidate against current in production\n\n\| metric \| candidate \|/m);
    assert.match(markdown, /\|---\|---\|/);
  });

  it('name the environment wherever there may be several, and the role of each metric', () => {
    const text = blocksText(['production', 'staging'].flatMap((environment) => comparisonBlocks(compareArms(collect(records({ count: 500, environment }), { ...SECTION, by: ['features.country'] }), definition({ ...SECTION, by: ['features.country'] }), environment))), false);
    for (const environment of ['production', 'staging']) for (const line of [`Sample ratio in ${environment}: `, `Candidate against current in ${environment}`, `Slices in ${environment} (`, `Guardrails of counts together in ${environment}: `]) assert.ok(text.includes(line), line);
    assert.match(text, /^ +errors .* guardrail +/m);
    assert.match(text, /^ +score .* signal +/m);
  });

  it('say one as one', () => {
    const { notes } = collect([]);
    const one = blocksText([notesBlock({ ...notes, malformed: 1, duplicates: 1, unitsInBothArms: 1, notFinite: 1, outcomesWithoutPrediction: 1, otherSlices: 1, excluded: 1 })], false);
    for (const line of ['1 malformed record, left out.', '1 record whose request id had been seen, left out.', '1 unit seen in both arms, counted in the first.', '1 value that was NaN or infinite, counted as missing.', '1 outcome whose prediction is not there (yet).', '1 record that where: leaves out.', '1 record of slices beyond the first 50, which is not counted by itself.']) assert.ok(one.includes(`${line}\n`), one);
    const two = blocksText([notesBlock({ ...notes, malformed: 2, otherSlices: 2 })], false);
    assert.ok(two.includes('2 malformed records, left out.\n') && two.includes('2 records of slices beyond the first 50, which are not counted by themselves.\n'), two);
  });

  it('show names as text', () => {
    const evil = compareArms(collect(records({ count: 500 }), { guardrails: [{ name: 'a|b [x](command:y)\n# z', bad: 'error' }] }), definition({ guardrails: [{ name: 'a|b [x](command:y)\n# z', bad: 'error' }] }), 'production');
    const markdown = blocksText(comparisonBlocks(evil), true);
    assert.ok(!/[^\\]\|b|\]\(command|\n# z/.test(markdown), markdown);
  });
});
