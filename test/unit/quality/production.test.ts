import assert from 'node:assert/strict';
import { countWords } from '../../../src/core/base/words.ts';
import { countedFrom } from '../../../src/core/releases/allocation.ts';
import type { ReleaseTimeline } from '../../../src/core/releases/releaseTimeline.ts';
import { Collector } from '../../../src/core/quality/collector.ts';
import { compareArms } from '../../../src/core/quality/comparison.ts';
import { readQuality, type QualityDefinition } from '../../../src/core/quality/definitions.ts';
import { histogramQuantile } from '../../../src/core/quality/histogram.ts';
import { dataOfWindows } from '../../../src/core/quality/plainData.ts';
import { againstWords, driftFindings } from '../../../src/core/quality/productionDrift.ts';
import { evidenceSince, type ReleaseHistory } from '../../../src/core/quality/productionShare.ts';
import { coarseAge, driftAlarms, elsewhere, silences, worstFact, worstGuardrail, type ProductionFacts } from '../../../src/core/quality/productionWords.ts';
import { shadowReport } from '../../../src/core/quality/shadow.ts';
import { dataSince } from '../../../src/core/quality/since.ts';
import { skewReport } from '../../../src/core/quality/skew.ts';
import { wilson } from '../../../src/core/quality/stats/intervals.ts';
import type { ArmSummary, QualityData, QualityWindow } from '../../../src/core/quality/window.ts';
import { dashboardCsv } from '../../../src/extension/quality/dashboardCsv.ts';
import { dashboardMarkdown, dashboardModel, type DashboardInput } from '../../../src/extension/quality/dashboardModel.ts';
import { sampleChart, timeAxis } from '../../../src/extension/quality/dashboardCharts.ts';
import type { FlagFacts } from '../../../src/extension/flags/facts.ts';
import { qualityHoverText, qualityLensText, qualityNodes } from '../../../src/extension/quality/qualityParts.ts';
import type { QualityReading } from '../../../src/extension/quality/qualityReader.ts';
import type { QualityStore } from '../../../src/extension/quality/qualityStore.ts';
import { fromDashboard, toDashboard, type DashboardModel } from '../../../src/shared/dashboard.ts';
import { records, START, type PredictionRecord, type RecordOptions } from '../../support/qualityRecords.ts';

const SECTION = { guardrails: [{ name: 'errors', bad: 'error', max_ratio: 1.2 }], signals: [{ name: 'score', mean: 'score', margin: 0.05 }], by: ['features.country'], window: '1min' };

function definition(): QualityDefinition {
  return readQuality(SECTION).quality ?? assert.fail();
}

function collect(all: readonly PredictionRecord[]): QualityData {
  const collector = new Collector(definition(), { flags: ['fraud-v2'] });
  for (const record of all) collector.add({ ...record }, () => 'record');
  return collector.data(START + 7_200_000, []);
}

function factsOf(data: QualityData, change: Partial<ProductionFacts> = {}): ProductionFacts {
  const now = Math.max(...data.arms.map(({ lastSeen }) => lastSeen)) + 1000;
  return { data, report: compareArms(data, definition(), 'production'), drift: driftFindings(data, 'production'), now, readAt: now, ...change };
}

function input(options: RecordOptions, change: Partial<DashboardInput> = {}): DashboardInput {
  const data = collect(records(options));
  const { report, drift, now } = factsOf(data);
  return { model: 'fraud', flag: 'fraud-v2', environment: 'production', definition: { ...definition(), source: { kind: 'log', log: ['log.jsonl'], outcomes: [] } }, data, since: { at: undefined, because: 'exposure' }, report, drift, now, history: undefined, readAt: now, failure: undefined, ...change };
}

describe('scores of a regression', () => {
  it('are no confidence of 100 %: their bars go from the least to the largest', () => {
    const given = input({ count: 2000 }, { data: collect(records({ count: 2000 }).map((record) => ({ ...record, score: 100 * record.score }))) });
    const { scores } = dashboardModel(given);
    assert.match(scores?.title ?? '', /^Scores by arm, last \d+ h: they are no probabilities$/);
    assert.ok((scores?.x.at(-1) ?? 0) > 10 && (scores?.series ?? []).every(({ values }) => values.every((share) => (share ?? 0) < 0.5)), JSON.stringify(scores?.table.rows));
    assert.ok(dashboardMarkdown(given).includes('they are no probabilities') && dashboardCsv(given, dashboardModel(given)).includes('scores'));
    assert.equal(dashboardModel(input({ count: 2000 })).scores?.title, 'Confidence: scores by arm');
  });
});

describe('the worst fact of production', () => {
  const words = (facts: ProductionFacts): string => worstFact(facts)?.words[0] ?? '';

  it('is the guardrail that is worse, in the words of both rates', () => {
    assert.match(words(factsOf(collect(records({ count: 40_000, candidateErrors: 0.06 })))), /^errors worse: [\d.]+ % vs [\d.]+ % \(n 40k, now\)$/);
  });

  it('is the guardrail nearest to what is tolerated while all is well', () => {
    const fact = worstFact(factsOf(collect(records({ count: 5000 }))));
    assert.equal(fact?.kind, 'fine');
    assert.match(fact.words[0] ?? '', /^errors [\d.]+ % vs [\d.]+ % \(n 5k, now\)$/);
    assert.ok(fact.words.every((each, index, all) => index === 0 || each.length < (all[index - 1]?.length ?? 0)));
  });

  it('is an arm that fell silent, but not one whose traffic is that thin', () => {
    const all = records({ count: 12_000 });
    const half = START + 600_000;
    const silent = collect(all.filter(({ ts, assigned_arm }) => assigned_arm === 'current' || Date.parse(ts) < half));
    assert.equal(words(factsOf(silent)), 'candidate: no data for 10 min');
    const thin = collect(all.filter(({ assigned_arm }, index) => assigned_arm === 'current' || index % 2000 === 0));
    assert.deepEqual(silences(factsOf(thin)), []);
  });

  it('is an arm that is behind the other by less than a minute, but not a source that is late, a reading that is old, or a window that has just begun', () => {
    const all = records({ count: 12_000 });
    const until = START + 600_000;
    const ended = (seconds: number): QualityData => collect(all.filter(({ ts, assigned_arm }) => Date.parse(ts) < until - (assigned_arm === 'candidate' ? seconds * 1000 : 0)));
    assert.equal(words(factsOf(ended(45), { readAt: until + 5000 })), 'candidate: no data for 50 s');
    assert.deepEqual(silences(factsOf(ended(35), { readAt: until + 5000 })), []);
    assert.deepEqual(silences(factsOf(ended(0), { readAt: until + 55_000 })), []);
    assert.deepEqual(silences(factsOf(ended(0), { readAt: until + 65_000 })).map(({ arm }) => arm), ['current', 'candidate']);
    assert.match(words(factsOf(ended(0), { readAt: until, now: until + 3_600_000 })), /^errors .*, 1 h\)$/);
    const behind = { ...ended(0), designEffect: 1, arms: ended(0).arms.map((arm) => ({ ...arm, lastSeen: arm.arm === 'candidate' ? until : until + 60_000 })) };
    assert.deepEqual(silences(factsOf(behind, { readAt: until + 5000 })), []);
    assert.equal(silences(factsOf({ ...behind, arms: behind.arms.map((arm) => ({ ...arm, lastSeen: arm.arm === 'candidate' ? until : until + 120_000 })) }, { readAt: until + 5000 })).length, 1);
  });

  it('is an arm of which no service is heard of, not one of whose services one was shut down', () => {
    const all = records({ count: 6000 });
    const data = collect(all.map((record, index) => (index < 2000 && index % 2 === 0 ? { ...record, service: 'former' } : record)));
    assert.deepEqual(silences(factsOf(data)), []);
    assert.deepEqual(silences(factsOf(data, { readAt: START + 700_000 })).map(({ arm }) => arm), ['current', 'candidate']);
  });

  it('goes by the traffic of late, not by how busy an arm was weeks ago', () => {
    const week = 7 * 86_400_000;
    const thin = records({ count: 400, firstId: 20_000 }).map((record, index) => ({ ...record, ts: new Date(START + week + index * 37_500).toISOString() }));
    const candidate = thin.filter(({ assigned_arm }) => assigned_arm === 'candidate');
    const data = collect([...records({ count: 6000 }), ...thin]);
    const last = Date.parse(candidate.at(-1)?.ts ?? '');
    // One in two minutes and a half: ten minutes say nothing.
    assert.deepEqual(silences(factsOf(data, { readAt: last + 600_000 })).filter(({ arm }) => arm === 'candidate'), []);
    assert.equal(silences(factsOf(data, { readAt: last + 2 * 3_600_000 })).some(({ arm }) => arm === 'candidate'), true);
  });

  it('is an arm that never answered though it has a share', () => {
    const data = collect(records({ count: 3000 }).filter(({ assigned_arm }) => assigned_arm === 'current'));
    assert.equal(words(factsOf(data, { configured: 0.25 })), 'candidate: no data');
    assert.notEqual(words(factsOf(data, { configured: 0 })), 'candidate: no data');
  });

  it('is the age of what is shown when the source cannot be read', () => {
    const facts = factsOf(collect(records({ count: 5000 })));
    assert.equal(words({ ...facts, failed: true, readAt: facts.now - 12 * 60_000 }), 'quality as of 12 min ago: the source cannot be read');
  });

  it('is drift, named once, where nothing is worse', () => {
    const moved = records({ count: 6000 }).map((record) => (record.assigned_arm === 'candidate' ? { ...record, features: { ...record.features, amount: record.features.amount * 3 } } : record));
    const facts = factsOf(collect(moved));
    assert.match(words(facts), /^amount drifted \(PSI [\d.]+\)$/);
    assert.deepEqual(driftAlarms([...facts.drift, ...facts.drift]).map(({ feature, because }) => [feature, because.replace(/:.*/, '')]), [['amount', 'candidate against current, last 3 h']]);
  });

  it('is no drift that another model answers otherwise, nor is what differs between the arms a reason to retrain', () => {
    const other = collect(records({ count: 6000 }).map((record) => (record.assigned_arm === 'candidate' ? { ...record, score: record.score / 4 } : record)));
    const [between] = driftFindings(other, 'production');
    const score = between?.report.features.find(({ feature }) => feature === 'score');
    assert.ok(score !== undefined && score.psi > 0.5 && !score.alarm, 'it is shown');
    assert.match(score.because, /two models may answer differently$/);
    assert.equal(words(factsOf(other)).startsWith('errors '), true);
    const moved = collect(records({ count: 6000 }).map((record) => (record.assigned_arm === 'candidate' ? { ...record, features: { ...record.features, amount: record.features.amount * 3 } } : record)));
    assert.equal(dashboardModel({ ...input({ count: 100 }), data: moved, drift: driftFindings(moved, 'production') }).mayRetrain, false);
    const reference = { name: 'train.csv', rows: 6000, units: 6000, samples: (moved.production?.parts.find(({ arm }) => arm === 'current') ?? assert.fail()).features };
    assert.equal(dashboardModel({ ...input({ count: 100 }), data: moved, drift: driftFindings({ ...moved, references: [reference] }, 'production') }).mayRetrain, true);
  });

  it('has coarse ages', () => {
    assert.deepEqual([0, 59_999, 60_000, 3_600_000 * 3, 86_400_000 * 3, Number.NaN].map(coarseAge), ['now', 'now', '1 min', '3 h', '3 d', 'now']);
  });
});

describe('evidence about a release', () => {
  const at = START + 5 * 60_000 + 1;
  const begun: ReleaseHistory = { given: [{ from: undefined, to: undefined, share: 0.25 }], since: { at, because: 'versions' } };

  it('begins with it: windows from before do not count, charts keep them', () => {
    const data = collect(records({ count: 6000 }));
    const counted = dataSince(data, at);
    assert.deepEqual(counted.windows.filter(({ start }) => start < at), []);
    assert.ok(counted.windows.length < data.windows.length && counted.windows.length > 0);
    const model = dashboardModel(input({ count: 6000 }, { history: begun, since: begun.since }));
    assert.equal(model.rollout.x[0], START / 1000);
    assert.match(model.summary.join(' '), /Compared is what came after 2026-03-02 10:05:00 UTC/);
    assert.deepEqual(model.rollout.series[0]?.values.every((share) => share === 0.25), true);
  });

  it('counts histograms from then on only, with the outcomes that predictions from then on have', () => {
    const before = records({ count: 3000 }).map((record) => ({ ...record, latency_ms: 900, score: 0.05 }));
    const after = records({ count: 3000 }).map((record, index) => ({ ...record, ts: new Date(START + 6 * 60_000 + 100 * index).toISOString(), request_id: `later-${index}`, latency_ms: 10, score: 0.85 }));
    const data = collect([...before, ...after]);
    const current = (each: QualityData): ArmSummary => each.arms.find(({ arm }) => arm === 'current') ?? assert.fail();
    assert.ok((histogramQuantile(current(data).latency, 0.95)?.value ?? 0) > 800, 'of all that was read');
    const narrowed = current(dataSince(data, at));
    const counted = after.filter(({ assigned_arm }) => assigned_arm === 'current').length;
    assert.equal(narrowed.latency.counts.reduce((sum, count) => sum + count, 0), counted);
    assert.ok((histogramQuantile(narrowed.latency, 0.999)?.value ?? Number.NaN) < 13, 'nothing of the versions before');
    assert.ok((histogramQuantile(narrowed.score, 0.01)?.value ?? 0) > 0.8);
    assert.equal(narrowed.requests, current(data).requests, 'traffic stays that of all that was read');
    const model = dashboardModel({ ...input({ count: 100 }), data, since: { at, because: 'exposure' } });
    assert.equal(model.latency?.table.rows.find(([arm]) => arm === 'current')?.[1], countWords(counted));
  });

  it('begins anew with the thirtieth version as with the second', () => {
    const day = 86_400_000;
    const all = Array.from({ length: 30 }, (_, version) => records({ count: 20, firstId: 100 * version }).map((record, index) => ({ ...record, ts: new Date(START + version * day + index * 1000).toISOString(), model_version: `v${version}` }))).flat();
    const collector = new Collector(definition(), { flags: ['fraud-v2'] });
    for (const record of all) collector.add({ ...record }, () => 'record');
    const { at: since } = evidenceSince(collector.data(START + 40 * day, []), 'production', undefined);
    assert.ok((since ?? 0) >= START + 29 * day);
  });

  it('counts from the beginning of the hour where the guard does', () => {
    const counted = START + 5 * 60_000;
    const history: ReleaseHistory = { ...begun, since: { at: counted + 90_000, counted, because: 'exposure' } };
    assert.equal(countedFrom(evidenceSince(collect(records({ count: 6000 }).map((record) => ({ ...record, model_version: '1' }))), 'production', history)), counted);
    const shown = dashboardModel(input({ count: 6000 }, { history, since: history.since })).latency?.table.rows.reduce((sum, [, n]) => sum + Number(n?.replace('k', '')) * (n?.endsWith('k') === true ? 1000 : 1), 0);
    assert.ok(Math.abs((shown ?? 0) - 3000) < 100, `${shown}: of the last five minutes, in words`);
  });

  it('begins anew when a version answers that did not before, also where nobody is connected', () => {
    const all = records({ count: 6000 }).map((record) => ({ ...record, model_version: record.assigned_arm === 'current' || Date.parse(record.ts) < at ? '13' : '14' }));
    const since = evidenceSince(collect(all), 'production', undefined);
    assert.equal(since.because, 'versions');
    assert.ok((since.at ?? 0) >= at && (since.at ?? 0) < at + 10_000);
    assert.equal(evidenceSince(collect(all), 'production', { ...begun, since: { at: at + 60_000, because: 'guard rollback' } }).because, 'guard rollback');
  });

  it('does not begin anew where a fallback answers as the version that it is, nor is that the version that answers', () => {
    const all = records({ count: 6000 }).map((record, index) => (record.assigned_arm === 'candidate' && index > 5000 ? { ...record, model_version: '13', fallback: true, error: 'timeout' } : record));
    const data = collect(all);
    assert.deepEqual(evidenceSince(data, 'production', { ...begun, since: { at, because: 'exposure' } }), { at, because: 'exposure' });
    assert.deepEqual(data.arms.map(({ arm, versions }) => [arm, versions?.map(({ version }) => version)]).sort(), [['candidate', ['14']], ['current', ['13']]]);
    // A fallback that is none counts.
    assert.equal(evidenceSince(collect(all.map((record) => ({ ...record, fallback: false }))), 'production', begun).because, 'versions');
  });
});

describe('the dashboard', () => {
  it('is what its protocol allows, with the counts of the windows', () => {
    const given = input({ count: 6000, candidateErrors: 0.06 });
    const model = dashboardModel(given);
    assert.deepEqual(toDashboard.parse(JSON.parse(JSON.stringify({ kind: 'model', model }))), { kind: 'model', model });
    const errors = model.metrics.find(({ title }) => title === 'errors') ?? assert.fail();
    for (const { arm, n, values, low, high } of errors.series) {
      const windows = given.data.windows.filter((each) => each.arm === arm && each.slice === undefined);
      assert.equal(n?.reduce((sum, count) => sum + count, 0), windows.reduce((sum, { metrics }) => sum + (metrics['errors']?.n ?? 0), 0));
      assert.ok(values.every((value, at) => value !== null && (low?.[at] ?? 1) <= value && value <= (high?.[at] ?? 0)));
    }
    assert.equal(errors.table.rows.length, errors.x.length);
    assert.equal(model.slices?.rows.length, given.report.slices.length);
    assert.deepEqual(model.drift.map(({ title, production, reference }) => [title, production, reference]), [['candidate against current, last 3 h', 'candidate, last 3 h', 'current']]);
    assert.ok(Math.abs((model.scores?.series[0]?.values ?? []).reduce<number>((sum, share) => sum + (share ?? 0), 0) - 1) < 1e-9);
    assert.deepEqual(model.latency?.labels, ['p50', 'p75', 'p90', 'p95', 'p99', 'p99.9']);
  });

  it('says how many lines of slices it does not show', () => {
    const given = input({ count: 600 });
    const [slice = assert.fail()] = given.report.slices;
    const shown = (lines: number): DashboardModel['slices'] => dashboardModel({ ...given, report: { ...given.report, slices: Array.from({ length: lines }, () => slice) } }).slices;
    assert.deepEqual([shown(200)?.title, shown(200)?.rows.length], ['Slices in production (they inform; they decide nothing)', 200]);
    assert.deepEqual([shown(212)?.title, shown(212)?.rows.length], ['Slices in production (they inform; they decide nothing): the first 200 lines; 12 more are in the exports', 200]);
  });

  it('draws proportions with intervals that end at 0 and 1', () => {
    const section = { signals: [{ name: 'accuracy', measure: 'accuracy' }, { name: 'confident', measure: 'confident' }, { name: 'score', mean: 'score' }], window: '1min' };
    const collector = new Collector(readQuality(section).quality ?? assert.fail(), { flags: ['fraud-v2'] });
    // One wrong in thirty, and each unit once.
    for (const [index, record] of records({ count: 1200, share: 0.5 }).entries()) collector.add({ ...record, unit_id: `u-${index}`, outcome: index % 30 === 7 ? Number(record.score < 0.5) : Number(record.score >= 0.5) }, () => 'record');
    const data = collector.data(START + 90 * 86_400_000, []);
    const model = dashboardModel({ ...input({ count: 10 }), data, report: compareArms(data, readQuality(section).quality ?? assert.fail(), 'production'), drift: [] });
    const chart = (name: string): (typeof model.metrics)[number] => model.metrics.find(({ title }) => title === name) ?? assert.fail(name);
    for (const name of ['accuracy', 'confident']) {
      for (const { values, n, low, high } of chart(name).series) {
        for (const [at, value] of values.entries()) {
          const expected = wilson(Math.round((value ?? assert.fail()) * (n?.[at] ?? 0)), n?.[at] ?? 0);
          assert.ok(Math.abs((low?.[at] ?? -1) - expected.low) < 1e-9 && Math.abs((high?.[at] ?? -1) - expected.high) < 1e-9, `${name}: ${low?.[at]} to ${high?.[at]} instead of ${expected.low} to ${expected.high}`);
        }
      }
    }
    const [{ values, low, high }] = chart('score').series as [(typeof model.metrics)[number]['series'][number]];
    assert.ok(Math.abs((values[0] ?? 0) - ((low?.[0] ?? 0) + (high?.[0] ?? 0)) / 2) < 1e-9, 'the interval of a mean is symmetric');
  });

  it('tells the share that was configured while a window lasted, and leads no line over hours of which nothing is known', () => {
    const window = (arm: string, start: number, requests: number): QualityWindow => ({ arm, environment: 'production', service: '', start, end: start + 60_000, requests, units: requests, metrics: { errors: { n: requests, sum: 1, squares: 1 } } });
    const later = START + 5 * 3_600_000;
    const starts = [START, START + 60_000, START + 120_000, later, later + 60_000];
    const windows = starts.flatMap((start) => [window('candidate', start, start < later ? 5 : 25), window('current', start, start < later ? 95 : 75)]);
    const data = dataOfWindows(windows, { designEffect: 1, messages: [] });
    const history: ReleaseHistory = { given: [{ from: undefined, to: START + 3_600_000, share: 0.05 }, { from: START + 3_600_000, to: undefined, share: 0.25 }], since: { at: undefined, because: 'exposure' } };
    const given = { ...input({ count: 100 }, { history }), data, report: compareArms(data, definition(), 'production') };
    const { rollout, metrics } = dashboardModel(given);
    assert.deepEqual(rollout.table.rows.map(([, configured, observed]) => [configured, observed]), [['25 %', '25 %'], ['25 %', '25 %'], ['25 %', '-'], ['5 %', '5 %'], ['5 %', '5 %'], ['5 %', '5 %']]);
    for (const chart of [rollout, ...metrics]) {
      assert.deepEqual(chart.x, [...starts.slice(0, 3), START + 180_000, ...starts.slice(3)].map((at) => at / 1000));
      for (const { values, n } of chart.series.filter(({ x }) => x === undefined)) assert.deepEqual([values[3], values.filter((value) => value === null).length, n?.[3] ?? 0], [null, 1, 0]);
    }
    assert.equal(dashboardCsv(given, dashboardModel(given)).split('\r\n').filter((line) => line.startsWith('rollout') && line.includes('observed')).length, 5);
    // In a spreadsheet there is a line where something is known only: of what was configured where it changed.
    assert.deepEqual(dashboardCsv(given, dashboardModel(given)).split('\r\n').filter((line) => line.startsWith('rollout') && line.includes('configured')).map((line) => line.split(',').slice(2, 6).join()), [
      [START, 0.05], [START + 3_600_000, 0.25], [later + 120_000, 0.25],
    ].map(([at, share]) => `${new Date(at ?? 0).toISOString()},configured,,${share}`));
  });

  describe('the rollout over a month of windows', () => {
    const [MINUTE, WINDOW] = [60_000, 300_000];
    const [count, end] = [8640, START + 8640 * WINDOW];
    const windows = Array.from({ length: count }, (_, index): QualityWindow => ({ arm: index % 4 === 0 ? 'candidate' : 'current', environment: 'production', service: '', start: START + index * WINDOW, end: START + (index + 1) * WINDOW, requests: 1, units: 1, metrics: {} }));
    const steps = (...shares: readonly (readonly [number | undefined, number | undefined])[]): ReleaseHistory => ({
      given: shares.map(([from, share], at) => ({ from, to: shares[at + 1]?.[0], share })), since: { at: undefined, because: 'exposure' },
    });
    const given = (history: ReleaseHistory, now = end): DashboardInput => ({ ...input({ count: 10 }), data: dataOfWindows(windows, { designEffect: 1, messages: [] }), history, now });
    const shown = (history: ReleaseHistory, now = end): DashboardModel['rollout'] => dashboardModel(given(history, now)).rollout;
    const line = ({ series }: DashboardModel['rollout']): unknown[] => { const { x = [], values = [] } = series.find(({ label }) => label === 'configured') ?? {}; return x.map((at, index) => [Math.round(1000 * at) - START, values[index]]); };

    it('has what was configured for less than a point: the line by its own steps, the table every share of the point', () => {
      // A point is three hours; fifty minutes, and then one, lie within it.
      const raised = START + 30 * 3_600_000 + 20 * MINUTE;
      const rollout = shown(steps([undefined, 0.05], [raised, 0.5], [raised + 50 * MINUTE, 0.05]));
      assert.ok(rollout.x.length <= 240);
      assert.deepEqual(line(rollout), [[0, 0.05], [raised - START, 0.5], [raised + 50 * MINUTE - START, 0.05], [end - START, 0.05]]);
      assert.deepEqual(rollout.table.rows.map(([, configured]) => configured).filter((words) => words !== '5 %'), ['5 % -> 50 % -> 5 %']);
      const many = shown(steps([undefined, 0.05], ...Array.from({ length: 6 }, (_, index) => [raised + index * MINUTE, index % 2 === 0 ? 0.5 : 0.1] as const)));
      assert.deepEqual(many.table.rows.map(([, configured]) => configured).filter((words) => words?.includes('->')), ['5 % -> ... -> 10 % (6 changes, 5 % to 50 %)']);
    });

    it('has changes shortly before and after the records, and what is not known as such', () => {
      const [before, after] = [START - 3_600_000, end + 7_200_000];
      const rollout = shown(steps([START - 90 * 86_400_000, 0.01], [before, 0.2], [START + 3_600_000, undefined], [START + 7_200_000, 0.3], [after, 0]), end + 90 * 86_400_000);
      assert.deepEqual(line(rollout), [[before - START, 0.2], [3_600_000, null], [7_200_000, 0.3], [after - START, 0], [2 * (end - START), 0]]);
      assert.deepEqual([rollout.table.rows[0], rollout.table.rows.at(-1)], [['2026-04-01 12:00:00', '0 %', '-', '0'], ['2026-03-02 09:00:00', '20 %', '-', '0']]);
      // What the log does not lead back to is not known, and no line of a spreadsheet.
      const late = given(steps([START + MINUTE, 0.2]));
      assert.deepEqual(line(dashboardModel(late).rollout), [[0, null], [MINUTE, 0.2], [end - START, 0.2]]);
      assert.deepEqual([...dashboardCsv(late, dashboardModel(late)).matchAll(/^rollout,[^,]*,([^,]*),configured,,([^,]*),/gm)].map(([, at, share]) => [Date.parse(at ?? '') - START, share]), [[MINUTE, '0.2'], [end - START, '0.2']]);
    });
  });

  it('draws no rate of a metric that is an area under a curve, whatever is said of it', () => {
    const section = { labels: { field: 'outcome' }, guardrails: [{ name: 'errors', bad: 'error' }], signals: [{ name: 'area', measure: 'pr_auc' }], window: '1min' };
    const declared = readQuality(section).quality ?? assert.fail();
    const all = records({ count: 6000 }).map((record) => ({ ...record, outcome: Number(record.score > 0.9) }));
    const cases: readonly (readonly [RegExp, readonly (PredictionRecord & { readonly outcome: number })[]])[] = [
      [/^shown only/, all],
      [/^candidate has no data/, all.filter(({ assigned_arm }) => assigned_arm === 'current')],
      [/are outside 0 to 1/, all.map((record) => ({ ...record, score: 3 * record.score }))],
      [/lie too near to each other/, all.map((record, index) => ({ ...record, score: 0.5, outcome: Number(index % 50 === 0) }))],
    ];
    for (const [because, told] of cases) {
      const collector = new Collector(declared, { flags: ['fraud-v2'] });
      for (const record of told) collector.add({ ...record }, () => 'record');
      const data = collector.data(START + 7_200_000, []);
      const given = { ...input({ count: 10 }), definition: declared, data, report: compareArms(data, declared, 'production'), drift: [] };
      assert.match(given.report.metrics.find(({ name }) => name === 'area')?.because ?? '', because);
      const model = dashboardModel(given);
      assert.deepEqual(model.metrics.map(({ title }) => title), ['errors'], String(because));
      assert.doesNotMatch(dashboardCsv(given, model), /^metric,area,/m);
    }
  });

  it('says what the numbers of drift are once, by the names of the columns', () => {
    const data = { ...collect(records({ count: 6000 })), references: [{ name: 'train.csv', rows: 400, units: 400, samples: (collect(records({ count: 400 })).production?.parts[0] ?? assert.fail()).features }] };
    const given = input({ count: 10 }, { data, drift: driftFindings(data, 'production') });
    const { drift, driftDefinitions } = dashboardModel(given);
    assert.deepEqual([drift.length, drift.flatMap(({ notes }) => notes)], [3, []]);
    const names = driftDefinitions.map((words) => words.split(':')[0] ?? '');
    assert.deepEqual(names, ['PSI', 'noise', 'JS', 'KS', 'Wasserstein', 'chi-squared', 'missing', 'rare values, in the verdict', 'unseen']);
    assert.deepEqual(drift[0]?.columns.filter((name) => name !== 'feature' && name !== 'verdict' && !names.includes(name)), []);
    const markdown = dashboardMarkdown(given);
    for (const name of names) assert.equal(markdown.split('\n').filter((words) => words.startsWith(`${name}: `)).length, 1, name);
    assert.deepEqual(dashboardModel({ ...given, drift: [] }).driftDefinitions, []);
  });

  it('says truly why a tab has nothing to show', () => {
    const given = input({ count: 600 });
    const absent = (change: Partial<DashboardInput>): DashboardModel['absent'] => dashboardModel({ ...given, ...change }).absent;
    assert.deepEqual(absent({}), { shadow: 'No shadow answers: records with role "shadow" and the request_id of what was served.' });
    const undivided = { ...given.report, slices: [] };
    const declared = (change: object): QualityDefinition => ({ ...(readQuality({ ...SECTION, ...change }).quality ?? assert.fail()), source: { kind: 'log', log: ['log.jsonl'], outcomes: [] } });
    assert.equal(absent({ report: undivided, definition: declared({ by: undefined }) }).slices, 'No slices: by: [features.country] compares the arms by country.');
    assert.match(absent({ report: undivided, definition: declared({ by: ['features.land'] }), data: collect([]) }).slices ?? '', /^No slices: by asks for features\.land, and no record of production tells a value\. What the source says/);
    assert.match(absent({ report: undivided, environment: 'staging' }).slices ?? '', /no record of staging tells a value\. There are slices of other environments\.$/);
    assert.match(absent({ report: undivided, definition: declared({ guardrails: [], signals: [{ name: 'area', measure: 'pr_auc' }] }) }).slices ?? '', /no metric is declared/);
    const one = collect(records({ count: 600, share: 0 }));
    assert.match(absent({ drift: [], data: one }).drift ?? '', /^Drift of production: nothing was compared: the records are of current only, and there is no reference\. Add drift: /);
    assert.match(absent({ drift: [], data: one, environment: 'staging' }).drift ?? '', /^Drift of staging: nothing was compared: the log has no record of staging of the last \d+ h\.$/);
    const exec = { ...definition(), source: { kind: 'exec' as const, command: ['windows'] } };
    for (const words of Object.values(absent({ drift: [], definition: exec, data: { ...one, shadow: [] } }))) assert.match(words ?? '', /source: \{log: \.\.\.\}: the command of source\.exec tells counts only\.$/);
  });

  it('says of which environments there are shadow answers, and whether the shadow is on', () => {
    const all = records({ count: 300, share: 0, environment: 'staging' });
    const data = collect([...all, ...all.map((record) => ({ ...record, role: 'shadow', assigned_arm: 'candidate' }))]);
    const given = input({ count: 10 }, { data, drift: [], report: compareArms(data, definition(), 'production') });
    assert.equal(dashboardModel(given).absent.shadow, 'No shadow answers to what was served in production. There are some of staging.');
    assert.equal(dashboardModel({ ...given, environment: 'staging', report: compareArms(data, definition(), 'staging') }).absent.shadow, undefined);
    const state = (shadowFlag: DashboardInput['shadowFlag'], environment = 'production'): string => dashboardModel({ ...given, environment, shadowFlag }).shadowState;
    assert.deepEqual([undefined, { name: 'fraud-v2.shadow', rollout: undefined }, { name: 'fraud-v2.shadow', rollout: 'off' }, { name: 'fraud-v2.shadow', rollout: '20 % · random per call' }].map((each) => state(each)), [
      'Whether the shadow is on is not known: that needs Unleash.', 'The shadow in production is off: there is no flag fraud-v2.shadow.', 'The shadow in production is off (flag fraud-v2.shadow).', 'The shadow in production is on: 20 % · random per call (flag fraud-v2.shadow).',
    ]);
    assert.equal(state({ name: 'fraud-v2.shadow', rollout: 'off' }, ''), 'The shadow is off (flag fraud-v2.shadow).');
  });

  it('gives no verdict of skew by too few requests', () => {
    const logged = records({ count: 50 }).map(({ request_id, features }) => ({ requestId: request_id, features }));
    const report = (told: number): ReturnType<typeof skewReport> => skewReport(logged, new Map(logged.slice(0, told).map(({ requestId, features }) => [requestId, { ...features, amount: features.amount + 1 }])), { command: [], abs: 0, rel: 1e-6, maxShare: 0.01, sample: 50, lookbackMs: 1 });
    for (const [told, words, verdicts] of [[10, /^insufficient data: /, ['insufficient data']], [50, /^(ALARM: other|equal in all)/, ['alarm', 'no alarm']]] as const) {
      const given = input({ count: 100 }, { skew: { command: 'features', last: { at: START, report: report(told) } } });
      const model = dashboardModel(given);
      assert.deepEqual(model.skew?.table?.rows.map((row) => words.test(row.at(-1) ?? '')), [true, true, true], JSON.stringify(model.skew?.table?.rows));
      assert.deepEqual([...new Set([...dashboardCsv(given, model).matchAll(/^skew,\w+,not equal,,\d+,[^,]*,[^,]*,[^,]*,([a-z ]+),/gm)].map(([, verdict]) => verdict))], verdicts);
    }
  });

  it('exports what stands above the tables, too: alarms, and why the last reading failed', () => {
    const given = input({ count: 40_000, candidateErrors: 0.06 }, { failure: 'the log is gone' });
    const markdown = dashboardMarkdown(given);
    assert.match(markdown, /The last reading failed: the log is gone/);
    assert.match(markdown, /ALARM: errors is worse: evidence/);
    assert.match(markdown, /^## Latency quantiles by arm, ms$/m);
    const csv = dashboardCsv(given, dashboardModel(given));
    for (const line of [/^report,model,,.*fraud/m, /^report,environment,.*production/m, /^report,the last reading failed,.*the log is gone/m, /^report,alarm,.*errors is worse/m]) assert.match(csv, line);
  });

  describe('where an arm or the reference has few units', () => {
    const units = (count: number): QualityData => collect(records({ count: 400, units: count }));
    const reference = { name: 'train.csv', rows: 400, units: 400, samples: (units(400).production?.parts[0] ?? assert.fail()).features };
    const data: QualityData = { ...units(6), references: [reference] };
    const given = input({ count: 10 }, { data, drift: driftFindings(data, 'production'), definition: { ...definition(), drift: { reference: { kind: 'file', path: 'train.csv' }, columns: {}, windowHours: 24 } }, report: compareArms(data, definition(), 'production') });
    const nothing = /Drift of production: nothing was compared: (candidate|current) against train\.csv tells nothing: \w+ not measured by fewer than 10 units: production has \d\./;

    it('the dashboard says insufficient data: no alarm, and no all-clear', () => {
      const { alarms, insufficient, drift } = dashboardModel(given);
      assert.deepEqual(alarms.filter(({ about, words }) => about.startsWith('drift') || words.includes('compared')), []);
      assert.deepEqual(insufficient.map((words) => nothing.exec(words)?.[0]), insufficient);
      assert.equal(insufficient.length, 2);
      const rows = drift.flatMap((table) => table.rows);
      assert.ok(rows.length > 6 && rows.every(({ cells, alarm }) => !alarm && /^insufficient data: not measured by fewer than 10 units: /.test(cells.at(-1) ?? '')), JSON.stringify(rows.map(({ cells }) => cells)));
      // Where there is enough it is neither.
      const enough: QualityData = { ...units(400), references: [reference] };
      const measured = dashboardModel({ ...given, data: enough, drift: driftFindings(enough, 'production') });
      assert.deepEqual([measured.insufficient, measured.drift.flatMap((table) => table.rows).filter(({ cells }) => cells.at(-1)?.includes('insufficient') === true)], [[], []]);
    });

    it('the exports say it, too', () => {
      const markdown = dashboardMarkdown(given).replaceAll('\\', '');
      assert.match(markdown, new RegExp(`^Insufficient data: ${nothing.source}`, 'm'));
      assert.match(markdown, /\| insufficient data: not measured by fewer than 10 units: /);
      assert.doesNotMatch(markdown, /ALARM: Drift/);
      const csv = dashboardCsv(given, dashboardModel(given)).split('\r\n');
      assert.equal(csv.filter((row) => row.startsWith('report,insufficient data,') && nothing.test(row)).length, 2);
      const verdicts = csv.filter((row) => /^drift,\w+,PSI,/.test(row)).map((row) => /,,,,([a-z ]+),,/.exec(row)?.[1]);
      assert.deepEqual([verdicts.length > 6, [...new Set(verdicts)]], [true, ['insufficient data']]);
    });

    it('tree and hover say it, with the mark of such a verdict', () => {
      const skew = { report: { features: [], asked: 10, told: 1, unknown: 0, notRecomputed: [], notLogged: [], insufficient: 'the command told 1 of 10 requests' }, at: START };
      const reading = {
        model: { name: 'fraud' }, folder: { uri: 'file:///folder' }, environment: 'production', data, report: given.report, readAt: given.now, error: undefined, wrong: undefined, loading: false, history: undefined, skew,
        definition: { ...definition(), drift: { reference: { kind: 'file', path: 'train.csv' }, columns: {}, windowHours: 24 } },
      } as unknown as QualityReading;
      const store = { of: () => reading } as unknown as QualityStore;
      const facts = { connection: { baseUrl: 'http://unleash', project: 'default' }, name: 'fraud-v2', status: 'active', arms: [{ model: {} }] } as unknown as FlagFacts;
      const [node] = qualityNodes(store, facts, given.now);
      const lines = (node?.children?.() ?? []) as readonly { readonly label: string; readonly description?: string; readonly icon: string }[];
      const found = lines.filter(({ label }) => label.endsWith('insufficient data'));
      assert.deepEqual(found.map(({ label, icon }) => `${label} ${icon}`), ['drift: insufficient data circle-outline', 'drift: insufficient data circle-outline', 'feature skew: insufficient data circle-outline']);
      assert.ok(found.slice(0, 2).every(({ description }) => nothing.test(description ?? '')), JSON.stringify(found));
      assert.match(qualityHoverText(store, facts, given.now).replaceAll('\\', ''), /^- drift: insufficient data: Drift of production: nothing was compared/m);
    });
  });

  describe('in lens, hover and tree', () => {
    const readingOf = (name: string, all: readonly PredictionRecord[], section: Readonly<Record<string, unknown>> = SECTION): QualityReading => {
      const quality = readQuality(section).quality ?? assert.fail();
      const collector = new Collector(quality, { flags: ['fraud-v2'] });
      for (const record of all) collector.add({ ...record }, () => 'record');
      const data = collector.data(START + 7_200_000, []);
      const readAt = Math.max(...data.arms.map(({ lastSeen }) => lastSeen)) + 1000;
      return {
        model: { name }, folder: { uri: 'file:///folder' }, environment: 'production', data, report: compareArms(data, quality, 'production'), readAt, definition: quality,
        error: undefined, wrong: undefined, loading: false, history: undefined, skew: undefined,
      } as unknown as QualityReading;
    };
    const storeOf = (...readings: readonly QualityReading[]): QualityStore => ({ of: (model: unknown) => readings.find((reading) => reading.model === model) }) as unknown as QualityStore;
    const factsOfFlag = (...readings: readonly QualityReading[]): FlagFacts => ({ connection: { baseUrl: 'http://unleash', project: 'default' }, name: 'fraud-v2', status: 'active', arms: readings.map(({ model }) => ({ model })) }) as unknown as FlagFacts;
    const at = (reading: QualityReading): number => reading.readAt ?? 0;

    it('the worst of the models behind one flag is shown, whichever stands first', () => {
      const [fine, bad] = [readingOf('a', records({ count: 6000 })), readingOf('b', records({ count: 40_000, candidateErrors: 0.08 }))];
      for (const order of [[fine, bad], [bad, fine]]) assert.match(qualityLensText(storeOf(...order), factsOfFlag(...order), 200, at(bad)) ?? '', /^errors worse: /);
      const failed = { ...fine, model: { name: 'c' }, data: undefined, report: undefined, readAt: undefined, error: new Error('gone') } as unknown as QualityReading;
      assert.equal(qualityLensText(storeOf(fine, failed), factsOfFlag(fine, failed), 200, at(fine)), 'quality: the source cannot be read');
      assert.match(qualityLensText(storeOf(failed, bad), factsOfFlag(failed, bad), 200, at(bad)) ?? '', /^errors worse: /);
    });

    it('the hover begins with what is worse, and says how many metrics it leaves out', () => {
      const guardrails = [...Array.from({ length: 13 }, (_, index) => ({ name: `m${index}`, bad: 'latency_ms > 1000' })), { name: 'errors', bad: 'error' }];
      const reading = readingOf('a', records({ count: 40_000, candidateErrors: 0.2 }), { guardrails, window: '1min' });
      const lines = qualityHoverText(storeOf(reading), factsOfFlag(reading), at(reading)).replaceAll('\\', '').split('\n');
      assert.match(lines[1] ?? '', /^- errors: .*\*\*worse\*\*$/);
      assert.deepEqual([lines.filter((line) => /^- m\d/.test(line)).length, lines.includes('- 2 more in the dashboard')], [11, true]);
    });

    it('records of another environment only are told as that, and not as silence', () => {
      for (const [environment, named] of [['prod', '6k of prod'], ['', '6k without environment']] as const) {
        const reading = readingOf('a', records({ count: 6000 }).map((record) => ({ ...record, environment })));
        const words = `no record of production, ${named}`;
        assert.equal(qualityLensText(storeOf(reading), factsOfFlag(reading), 200, at(reading)), words);
        const [node] = qualityNodes(storeOf(reading), factsOfFlag(reading), at(reading));
        assert.deepEqual([node?.description, node?.icon], [words, 'warning']);
        const lines = (node?.children?.() ?? []) as readonly { readonly label: string; readonly description?: string }[];
        assert.match(lines.find(({ label }) => label === words)?.description ?? '', /^let the service log environment: production/);
        assert.deepEqual(lines.filter(({ label }) => label.includes('no data')), []);
        const given = { ...input({ count: 10 }), data: reading.data!, report: reading.report! };
        assert.ok(dashboardModel(given).alarms.some((alarm) => alarm.words.startsWith(words)), JSON.stringify(dashboardModel(given).alarms));
      }
      assert.equal(elsewhere(readingOf('a', records({ count: 100 })).data!, 'production'), undefined);
    });
  });

  it('is not the guardrail of a few events below its min_rate', () => {
    const section = { guardrails: [{ name: 'errors', bad: 'error', max_ratio: 1.2, min_rate: 0.005 }, { name: 'slow', bad: 'latency_ms > 80', max_ratio: 1.25 }] };
    const collector = new Collector(readQuality(section).quality!, { flags: ['fraud-v2'] });
    let first = true;
    for (const record of records({ count: 8000, candidateErrors: 0, currentErrors: 0 })) {
      const error = first && record.assigned_arm === 'candidate' ? 'boom' : null;
      if (error !== null) first = false;
      collector.add({ ...record, error }, () => 'record');
    }
    const data = collector.data(START + 7_200_000, []);
    assert.equal(worstGuardrail(compareArms(data, readQuality(section).quality!, 'production'))?.name, 'slow');
  });

  it('says truly why there are no scores or latencies', () => {
    const at = START + 5 * 60_000 + 1;
    const undrawn = (all: readonly PredictionRecord[], change: Partial<DashboardInput> = {}): readonly string[] => dashboardModel({ ...input({ count: 10 }), data: collect(all), ...change }).undrawn;
    const [noScore, noLatency] = [{ score: Number.NaN }, { latency_ms: Number.NaN }];
    const all = records({ count: 600 });
    assert.deepEqual(undrawn(all), []);
    assert.deepEqual(undrawn(all.map((record) => ({ ...record, ...noScore, ...noLatency }))), ['No record of production tells a score: a number, as score or proba.', 'No record of production tells a latency: a number, as latency_ms.']);
    assert.deepEqual(undrawn(all.map((record) => ({ ...record, ...noLatency }))), ['No record of production tells a latency: a number, as latency_ms.']);
    // What was told before the release does not count, so the log is not to blame.
    const after = records({ count: 600 }).map((record, index) => ({ ...record, ...noScore, ts: new Date(START + 6 * 60_000 + 100 * index).toISOString(), request_id: `later-${index}` }));
    assert.deepEqual(undrawn([...records({ count: 3000 }), ...after], { since: { at, because: 'exposure' } }), ['No score has come since 2026-03-02 10:05:00 UTC, when evidence about this release began; it had before.']);
    assert.deepEqual(undrawn(after, { since: { at, because: 'exposure' } }), ['No record of production tells a score: a number, as score or proba.']);
    // Scores with an outcome that are none of a probability, and no record of the last hours.
    const section = { signals: [{ name: 'accuracy', measure: 'accuracy' }], window: '1min' };
    const collector = new Collector(readQuality(section).quality ?? assert.fail(), { flags: ['fraud-v2'] });
    for (const record of all) collector.add({ ...record, score: 100 * record.score, outcome: 1 }, () => 'record');
    const labelled = collector.data(START + 90 * 86_400_000, []);
    assert.deepEqual([dashboardModel({ ...input({ count: 10 }), data: labelled }).scores, undrawn([], { data: labelled }).map((words) => words.split('. ')[0])], [undefined, ['More than 1 % of an arm\'s scores with an outcome are outside 0 to 1, so they are no probabilities']]);
  });

  it('draws the largest categories of a feature, and the rest as one', () => {
    const all = records({ count: 6000 }).map((record, index) => ({ ...record, features: { ...record.features, country: `c${index % 5 === 0 ? 99 : index % 60}` } }));
    const data = collect(all);
    const given = { ...input({ count: 100 }), data, drift: driftFindings(data, 'production') };
    const bins = dashboardModel(given).drift[0]?.rows.map((row) => row.bins).find((each) => each.some(({ label }) => label.startsWith('c'))) ?? assert.fail();
    assert.equal(bins.length, 30);
    assert.ok(bins.some(({ label }) => label === 'c99') && /^\d+ others$/.test(bins.at(-1)?.label ?? ''));
    assert.ok(Math.abs(bins.reduce((sum, { production }) => sum + production, 0) - 1) < 1e-9);
  });

  it('takes neighbouring windows together where there are more than a chart can show', () => {
    const windows = Array.from({ length: 1000 }, (_, index) => ({ arm: 'current', environment: '', service: '', start: index * 1000, end: index * 1000 + 1000, requests: 1, units: 1, metrics: {} }));
    const { starts, indexOf } = timeAxis(windows);
    assert.deepEqual([starts.length, indexOf(0), indexOf(4000), indexOf(5000), indexOf(999_000)], [200, 0, 0, 1, 199]);
  });

  it('survives an arm without a record, and no record at all', () => {
    const data = collect(records({ count: 500 }).filter(({ assigned_arm }) => assigned_arm === 'current'));
    const one = dashboardModel({ ...input({ count: 10 }), data, report: compareArms(data, definition(), 'production'), drift: [] });
    assert.ok(one.metrics[0]?.series.find(({ arm }) => arm === 'candidate')?.values.every((value) => value === null));
    assert.match(one.comparison.rows[0]?.[4] ?? '', /no control/);
    const nothing = collect([]);
    const none = dashboardModel({ ...input({ count: 10 }), data: nothing, report: compareArms(nothing, definition(), ''), drift: [] });
    assert.deepEqual([none.rollout.x, none.metrics, none.scores], [[], [], undefined]);
  });

  it('exports every figure as CSV, and nothing that a spreadsheet would run', () => {
    const given = input({ count: 3000 });
    const hostile = { ...given, report: { ...given.report, metrics: given.report.metrics.map((metric) => ({ ...metric, name: '=HYPERLINK("x"),\n' })) } };
    const csv = dashboardCsv(hostile, dashboardModel(given));
    assert.ok(csv.startsWith('part,name,at,arm,n,value,low,high,verdict,units,because\r\n'));
    assert.ok(csv.includes(`"'=HYPERLINK(""x""),\n"`));
    const { candidate } = given.report.metrics[1] ?? assert.fail();
    assert.ok(dashboardCsv(given, dashboardModel(given)).includes(`comparison,score,,candidate,${candidate.n},${candidate.value},`));
    const roles = given.report.metrics.map(({ name, role }) => `${name},${role}`);
    assert.deepEqual([...dashboardCsv(given, dashboardModel(given)).matchAll(/^comparison,(\w+),role,,,,,,(\w+),,\r$/gm)].map(([, name, role]) => `${name},${role}`), roles);
    assert.deepEqual(dashboardModel(given).comparison.rows.map(([name, , , , , role]) => `${name},${role}`), roles);
  });

  it('has the shadow answers of its environment, in bars that hold every score', () => {
    const collector = new Collector(definition(), { flags: ['fraud-v2'] });
    for (const environment of ['production', 'staging']) {
      for (const record of records({ count: 300, share: 0, environment, currentErrors: 0, firstId: environment === 'staging' ? 5000 : 0 })) {
        const scale = environment === 'staging' ? 200_000 : 1;
        collector.add({ ...record, score: scale * record.score }, () => 'record');
        collector.add({ ...record, role: 'shadow', assigned_arm: 'candidate', score: scale * (record.score + (scale > 1 ? 2 : 0)) }, () => 'record');
      }
    }
    const data = collector.data(START + 7_200_000, []);
    const of = (environment: string): DashboardModel => dashboardModel({ ...input({ count: 10 }), data, environment, report: compareArms(data, definition(), environment), drift: [] });
    const [production, staging] = [of('production').shadow ?? assert.fail(), of('staging').shadow ?? assert.fail()];
    assert.equal(of('elsewhere').shadow, undefined);
    assert.match(production.lines.join(), /^Counted are pairs of version 13/);
    const row = ({ tables }: typeof production, name: string): string | undefined => tables[0]?.rows.find(([measure]) => measure === name)?.[1];
    assert.match(row(production, 'agreement') ?? '', /^100 % /);
    assert.match(row(staging, 'agreement') ?? '', /^no decision to agree on/);
    const [bars, wide] = [production.scores ?? assert.fail(), staging.scores ?? assert.fail()];
    assert.deepEqual([bars.x[0], bars.x[19], bars.table.rows[19]?.[0]], [0, 0.95, '0.95 to 1']);
    // From the least served to the largest of the shadow, both alike.
    const scores = [...data.shadow?.[1]?.served ?? [], ...data.shadow?.[1]?.shadow ?? []];
    const [low, high] = [Math.min(...scores), Math.max(...scores)];
    assert.ok(high > 400_000 && wide.x[0] === low && Math.abs((wide.x[19] ?? 0) - (high - (high - low) / 20)) < 1e-6, JSON.stringify(wide.x));
    const [own, other] = wide.series;
    assert.ok((own?.n ?? []).filter((count) => count > 0).length >= 5 && own?.n?.at(-1) === 0 && other?.n?.[0] === 0 && (other.n.at(-1) ?? 0) > 0, JSON.stringify(wide.series));
    assert.equal(new Set(wide.table.rows.map(([bar]) => bar)).size, 20);
    // One value, and values that are larger than what divides them.
    const chart = (values: readonly number[]): { readonly x: readonly number[]; readonly n: readonly number[] } => { const { x, series } = sampleChart('s', 'S', [{ label: 'served', arm: 'current', values }]) ?? assert.fail(); return { x, n: series[0]?.n ?? [] }; };
    assert.deepEqual([chart([7, 7]).x[0], chart([7, 7]).n[0]], [7, 2]);
    assert.deepEqual([chart([-1.7e308, 1.7e308]).n[0], chart([-1.7e308, 1.7e308]).n[19]], [1, 1]);
    assert.ok(chart([-1.7e308, 1.7e308]).x.every((end) => Number.isFinite(end)));
  });

  it('exports as CSV what the Markdown has: arms, drift, shadow answers, skew, the history and notes, and obeys nothing in them', () => {
    const collector = new Collector(definition(), { flags: ['fraud-v2', 'fraud-v2.shadow'] });
    const all = records({ count: 3000, units: 900 });
    for (const record of all) collector.add({ ...record, features: { ...record.features, country: record.assigned_arm === 'candidate' ? '@SUM(1)' : 'DE' } }, () => 'record');
    for (const [index, record] of all.slice(0, 200).entries()) collector.add({ ...record, role: 'shadow', assigned_arm: 'candidate', score: index % 10 === 0 ? 1 - record.score : record.score }, () => 'record');
    collector.malformed('log.jsonl:7', '=evil');
    const data = collector.data(START + 7_200_000, ['+SUM(A1) vanished']);
    const { report, drift, now } = factsOf(data);
    Object.assign(data.arms[0] ?? assert.fail(), { labelDelay: { known: 12, withoutTime: 0, before: 0, median: 3_600_000, p95: 7_200_000 } });
    const skew = { command: 'python features.py', last: { at: START, report: skewReport(all.slice(0, 50).map(({ request_id, features }) => ({ requestId: request_id, features })), new Map(all.slice(0, 50).map(({ request_id, features }, index) => [request_id, { ...features, amount: features.amount + (index < 10 ? 1 : 0) }])), { command: [], abs: 0, rel: 1e-6, maxShare: 0.01, sample: 50, lookbackMs: 1 }) } };
    const timeline: ReleaseTimeline = { version: 1, server: 'http://unleash', project: 'default', flag: 'fraud-v2', model: 'fraud', complete: true, knowsSegmentEdits: true, entries: [
      { at: '2026-03-02T10:00:00.000Z', by: '-eddy', environment: 'production', what: '=5 % -> 25 %', title: 'fraud v14, "new"', mark: 'guard', stage: 'stage 2 of 4', events: [7, 8] },
    ] };
    const given = input({ count: 10 }, { data, report, drift, now, skew, timeline, history: { given: [{ from: START, to: undefined, share: 0.25 }], since: { at: START - 1, because: 'versions' } } });
    const csv = dashboardCsv(given, dashboardModel(given));
    const rows = csv.trimEnd().split('\r\n');
    const has = (line: string): void => assert.ok(rows.includes(line), `no line ${line}; there are\n${rows.filter((row) => row.startsWith(line.split(',')[0] ?? '')).slice(0, 12).join('\n')}`);
    for (const { arm, requests, units, lastSeen } of data.arms) {
      has(`arm,predictions,,${arm},${requests},${requests},,,,${units},`);
      has(`arm,last seen,${new Date(lastSeen).toISOString()},${arm},,,,,,,`);
    }
    assert.equal(data.arms.length, 2);
    has(`arm,"labels come after, ms",p95,${data.arms[0]?.arm},12,7200000,,,,,`);
    const [candidate] = report.metrics;
    has(`comparison,errors,,candidate,${candidate?.candidate.n},${candidate?.candidate.value},${candidate?.candidate.interval?.low},${candidate?.candidate.interval?.high},,${candidate?.candidate.units},`);
    has(`sample ratio,share of the candidate,observed,,${report.sampleRatio.candidate + report.sampleRatio.current},${report.sampleRatio.observed},,,not checked,,the configured share is not known`);
    const [found] = drift as [(typeof drift)[number]];
    const { production, report: { features } } = found;
    for (const { feature, psi, alarm, because, production: { rows: n } } of features) assert.ok(csv.includes(`drift,${feature},PSI,"${production} against ${againstWords(found)}",${n},${psi},,,${alarm ? 'alarm' : 'no alarm'},,`) && csv.includes(because), feature);
    assert.match(csv, /^drift,country,unseen,"candidate against current, [^"]+",,1,,,,,'@SUM\(1\)\r$/m);
    assert.match(csv, /^drift bin,country,'@SUM\(1\),candidate,\d+,1,,,,,\r$/m);
    const shadow = shadowReport(data.shadow?.[0] ?? assert.fail('no shadow'));
    const { decided, share, interval } = shadow.agreement ?? assert.fail();
    has(`shadow,agreement,,,${decided},${share},${interval.low},${interval.high},,,`);
    has(`shadow,|score difference| max,,,${shadow.pairs},${shadow.difference.max},,,,,`);
    assert.match(csv, /^shadow,answers that differ most,r-\d+,,,[\d.]+,,,,,"?served [^\r]*\r$/m);
    assert.match(csv, /^shadow,"Counted are pairs of version 13, first logged [^\r]*\r$/m);
    const amount = skew.last.report.features.find(({ feature }) => feature === 'amount') ?? assert.fail();
    assert.ok(csv.includes(`skew,amount,not equal,,50,0.2,${amount.interval.low},${amount.interval.high},alarm,,`), csv);
    has('skew,amount,different,,50,10,,,,,');
    has(`configured,share of the candidate,2026-03-02T10:00:00.000Z,,,0.25,,,,,`);
    has(`history,'=5 % -> 25 %,2026-03-02T10:00:00.000Z,production,,,,,taken back by the guard,,"stage 2 of 4; by -eddy; fraud v14, ""new""; event 7, 8"`);
    has('history,The log leads back to the beginning.,,,,,,,,,');
    has("note,'+SUM(A1) vanished,,,,,,,,,");
    assert.ok(!/(^|,)"?[=+@][^\r]/m.test(csv.replaceAll('\r\n', '\n')), 'a cell that a spreadsheet would run');
  });

  it('exports the report as Markdown that obeys no name', () => {
    const text = dashboardMarkdown(input({ count: 3000 }, { model: '[fraud](command:x)' }));
    assert.ok(text.startsWith('# \\[fraud\\] (command:x) (fraud-v2) in production\n\nRead 2026-'), text.slice(0, 80));
    assert.match(text, /^## Candidate against current in production\n\n\| metric \|/m);
    assert.match(text, /^## Drift: candidate against current, last 3 h$/m);
    assert.match(dashboardMarkdown(input({ count: 100, environment: '' }, { environment: '' })), /^# fraud \(fraud-v2\), records without an environment\n\nRead 2026-/);
    assert.deepEqual([...new Set(text.match(/^#+(?= )/gm))], ['#', '##'], 'one title, and tables below it');
  });

  it('tells the history of the release, also in Markdown, and obeys nothing in it', () => {
    const timeline: ReleaseTimeline = { version: 1, server: 'http://unleash', project: 'default', flag: 'fraud-v2', model: 'fraud', complete: true, knowsSegmentEdits: true, entries: [
      { at: '2026-03-02T10:00:00.000Z', by: 'eddy', environment: 'production', what: '5 % -> 25 %', title: 'Modelswitch · fraud v14 over v13', mark: undefined, stage: 'stage 2 of 4', events: [7] },
      { at: '2026-03-02T11:00:00.000Z', by: '[eve](command:x)', environment: undefined, what: '25 % -> 0 %', title: 'errors | 4 % vs 2 %', mark: 'guard', stage: 'stage 1 of 4', events: [8, 9] },
    ] };
    const given = input({ count: 3000 }, { timeline });
    const found = dashboardModel(given).timeline ?? assert.fail('no timeline');
    assert.deepEqual(found.table.rows, [
      ['2026-03-02 11:00:00', 'every environment', '25 % -> 0 %', 'stage 1 of 4', 'taken back by the guard', '[eve] (command:x)', 'errors | 4 % vs 2 %', '8, 9'],
      ['2026-03-02 10:00:00', 'production', '5 % -> 25 %', 'stage 2 of 4', '', 'eddy', 'Modelswitch · fraud v14 over v13', '7'],
    ]);
    assert.deepEqual(found.lines, ['The log leads back to the beginning.']);
    const text = dashboardMarkdown(given);
    assert.match(text, /## History of fraud behind fraud-v2, newest first[^]*\| taken back by the guard \| \\\[eve\\\] \\?\(command:x/);
    assert.ok(text.includes('errors \\| 4 % vs 2 %'), text.slice(text.indexOf('## History')));
    assert.equal(dashboardModel(input({ count: 10 })).timeline, undefined);
  });

  it('refuses messages of another shape', () => {
    for (const message of [undefined, {}, { kind: 'run' }, { kind: 'export', format: 'exe' }, { kind: 'environment' }]) assert.ok(!fromDashboard.safeParse(message).success, JSON.stringify(message));
    assert.ok(!toDashboard.safeParse({ kind: 'model', model: {} }).success);
  });
});
