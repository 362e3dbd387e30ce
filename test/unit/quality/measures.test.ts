import assert from 'node:assert/strict';
import { limitFinding } from '../../../src/core/quality/absolute.ts';
import { Collector } from '../../../src/core/quality/collector.ts';
import { compareArms, type ComparisonReport, type MetricComparison } from '../../../src/core/quality/comparison.ts';
import { readQuality, type QualityDefinition } from '../../../src/core/quality/definitions.ts';
import { valueOf } from '../../../src/core/quality/measures.ts';
import { dataOfWindows } from '../../../src/core/quality/plainData.ts';
import type { QualityData, QualityWindow } from '../../../src/core/quality/window.ts';
import { readFake } from '../../support/fakePrometheus.ts';
import { seeded } from '../../support/guardSimulation.ts';
import { records, START } from '../../support/qualityRecords.ts';

function definition(section: Record<string, unknown>): QualityDefinition {
  const { quality, problems } = readQuality(section);
  assert.deepEqual(problems, []);
  return quality ?? assert.fail();
}

function collect(all: readonly object[], section: Record<string, unknown>): QualityData {
  const collector = new Collector(definition(section), { flags: ['fraud-v2'] });
  for (const record of all) collector.add(record as Record<string, unknown>, () => 'record');
  return collector.data(START + 7_200_000, []);
}

const metric = ({ metrics }: ComparisonReport, name: string): MetricComparison => metrics.find((each) => each.name === name) ?? assert.fail(`no metric ${name}`);
const NAMES = ['accuracy', 'precision', 'recall'] as const;
const MEASURES = { signals: NAMES.map((measure) => ({ name: measure, measure })) };

describe('measures of labels that are classes', () => {
  /** Classes 1 to 9; current is right in 9 of 10, the candidate in 3 of 10. */
  function classes(name: (label: number) => unknown, more: Record<string, unknown> = {}): object[] {
    const random = seeded(4);
    return records({ count: 8000 }).map((record) => {
      const outcome = 1 + Math.floor(random() * 9);
      const isRight = random() < (record.assigned_arm === 'candidate' ? 0.3 : 0.9);
      return { ...record, score: undefined, label: name(isRight ? outcome : (outcome % 9) + 1), outcome: name(outcome), ...more };
    });
  }

  for (const [what, name, more] of [
    ['numbers', (label: number) => label, {}], ['texts of numbers', String, {}], ['texts', (label: number) => `class ${label}`, {}], ['numbers beside the largest probability', (label: number) => label, { score: 0.97 }],
    ['numbers beside all probabilities', (label: number) => label, { proba: { 1: 0.5, 2: 0.5 } }],
  ] as const) {
    it(`takes a prediction for right where label and outcome are the same: ${what}`, () => {
      const report = compareArms(collect(classes(name, more), MEASURES), definition(MEASURES), 'production');
      const { candidate, current, verdict } = metric(report, 'accuracy');
      assert.ok(Math.abs(candidate.value - 0.3) < 0.03 && Math.abs(current.value - 0.9) < 0.02, `${candidate.value} and ${current.value}`);
      assert.equal(verdict, 'worse');
      // None of nine classes is the positive one; records in which label and outcome both happen to be 1 prove nothing.
      if (what === 'texts') {
        for (const each of ['precision', 'recall']) assert.deepEqual([metric(report, each).verdict, metric(report, each).because], ['insufficient data', `no record tells it: ${each} is of labels and outcomes that are 0 or 1, true or false, or of scores`]);
      }
    });
  }

  it('knows yes and no in every way that they are written, one to the other', () => {
    const [accuracy, precision, recall] = NAMES.map((measure) => valueOf(definition({ signals: [{ name: 'a', measure }] }).metrics[0]!, definition({}).labels));
    for (const [yes, no] of [[1, 0], [true, false], ['1', '0'], ['true', 'false'], ['True', 'False'], ['TRUE', 'FALSE'], ['1.0', '0.0']]) {
      for (const [truth, untruth] of [[1, 0], [true, false], ['True', 'False'], ['TRUE', 'FALSE']]) {
        const values = [[yes, truth], [yes, untruth], [no, truth], [no, untruth]].map(([label, outcome]) => [accuracy, precision, recall].map((measure) => measure!({ label, outcome })));
        assert.deepEqual(values, [[1, 1, 1], [0, 0, null], [0, null, 0], [1, null, null]], `${String(yes)} ${String(truth)}`);
      }
    }
    assert.deepEqual([accuracy!({ label: 3, outcome: '3.0' }), accuracy!({ label: 3, outcome: 7 }), accuracy!({ label: 'x', outcome: 1 }), accuracy!({ label: -1, outcome: 0 })], [1, 0, 0, 0]);
    assert.deepEqual([accuracy!({ label: 3 }), accuracy!({ outcome: 3 }), accuracy!({ label: '', outcome: 3 }), precision!({ label: 3, outcome: 4 }), recall!({ label: 3, outcome: 4 })], [null, null, null, null, null]);
    assert.deepEqual([accuracy!({ score: 0.7, outcome: 12.5 }), recall!({ score: 0.7, outcome: 12.5 }), accuracy!({ score: 0.2, label: 1, outcome: 1 })], [1, 1, 1], 'a score goes by the threshold, where no label says what was decided');
  });

  it('takes what the service decided from the label, and decides by the score only where a threshold is given', () => {
    const { labels } = definition({ labels: { threshold: 0.5 } });
    const [byLabel, byThreshold] = [definition({}).labels, labels].map((each) => NAMES.map((measure) => valueOf(definition({ signals: [{ name: 'a', measure }] }).metrics[0]!, each)));
    // At 0.1, which the log does not know.
    const values = (measures: typeof byLabel): unknown => [[0.2, 1, 1], [0.2, 1, 0], [0.05, 0, 0], [0.7, undefined, 1]].map(([score, label, outcome]) => measures!.map((measure) => measure({ score, label, outcome })));
    assert.deepEqual(values(byLabel), [[1, 1, 1], [0, 0, null], [1, null, null], [1, 1, 1]]);
    assert.deepEqual(values(byThreshold), [[0, null, 0], [1, null, null], [1, null, null], [1, 1, 1]]);
  });

  describe('of three numeric classes, 0 among them', () => {
    const ALL = { signals: [...NAMES, 'brier', 'pr_auc'].map((measure) => ({ name: measure, measure })), guardrails: [{ name: 'precise', measure: 'precision', limit: 0.9, margin: 0.01 }] };

    /** With the probability of the class as score; right in 9 of 10. */
    function three(classes = 3): object[] {
      const random = seeded(5);
      return records({ count: 6000 }).map((record, index) => {
        const outcome = Math.floor(random() * (index % 300 === 0 ? 3 : classes));
        return { ...record, label: random() < 0.9 ? outcome : (outcome + 1) % classes, score: random() < 0.5 ? 0.45 : 0.8, outcome };
      });
    }

    it('are right where label and outcome are the same, whatever the score is, and nothing of yes and no is told', () => {
      const data = collect(three(), ALL);
      const report = compareArms(data, definition(ALL), 'production');
      const { candidate, current } = metric(report, 'accuracy');
      assert.ok(Math.abs(candidate.value - 0.9) < 0.03 && Math.abs(current.value - 0.9) < 0.03, `${candidate.value} and ${current.value}`);
      for (const { name, verdict, because, candidate: own } of report.metrics.filter(({ name: each }) => each !== 'accuracy')) assert.deepEqual([name, verdict, own.n, because.split(':')[0]], [name, 'insufficient data', 0, 'no record tells it']);
      assert.ok(data.windows.every(({ metrics }) => metrics['precise'] === undefined), 'and no limit is passed');
      assert.match(data.notes.messages.join('\n'), /^\d,\d{3} of 6,000 predictions with an outcome have a label or an outcome that is one class of several, so 0 and 1 are classes, too, and say neither no nor yes: precise, precision, recall, brier, pr_auc are not told\.$/);
    });

    it('are not known from yes and no by a threshold that is given, so accuracy is not told either', () => {
      const section = { ...ALL, labels: { threshold: 0.5 } };
      const data = collect(three(), section);
      assert.equal(metric(compareArms(data, definition(section), 'production'), 'accuracy').verdict, 'insufficient data');
      assert.match(data.notes.messages.join('\n'), /: precise, accuracy, precision, recall, brier, pr_auc are not told\. Leave labels\.threshold out: it decides in the place of labels\.$/);
    });

    it('are none where a label in a hundred is wrong', () => {
      const data = collect(three(2), ALL);
      const report = compareArms(data, definition(ALL), 'production');
      assert.deepEqual([report.metrics.every(({ candidate }) => candidate.n > 500), data.notes.messages], [true, []]);
    });
  });

  it('takes shadow answers of different classes for different', () => {
    const served = records({ count: 400, share: 0 }).map((record, index) => ({ ...record, error: null, score: undefined, label: 1 + (index % 9), outcome: 1 + (index % 9) }));
    const shadow = served.map((record, index) => ({ ...record, role: 'shadow', assigned_arm: 'candidate', label: index % 4 === 0 ? (record.label % 9) + 1 : record.label, outcome: undefined }));
    const [pairs] = collect([...served, ...shadow], {}).shadow ?? [];
    assert.deepEqual([pairs?.pairs, pairs?.agreed, pairs?.onlyServedRight], [400, 300, 0]);
  });
});

describe('bad events by what a record says of its error', () => {
  const TIMEOUTS = ['error == "timeout"', 'latency_ms > 1000 or error == "timeout"', 'starts_with(error, "time")', 'error in ["timeout", "refused"]'];
  const section = { guardrails: TIMEOUTS.map((bad, index) => ({ name: `bad ${index}`, bad })) };
  const timeouts = records({ count: 20_000, candidateErrors: 0.3 });

  for (const [what, all] of [['null', timeouts], ['missing', timeouts.map(({ error, ...record }) => (error === null ? record : { ...record, error }))], ['empty', timeouts.map((record) => ({ ...record, error: record.error ?? '' }))]] as const) {
    it(`count the requests that did well, whose error is ${what}`, () => {
      const data = collect(all, section);
      for (const { name, candidate, current, effect, verdict } of compareArms(data, definition(section), 'production').metrics) {
        assert.ok(Math.abs(candidate.value - 0.3) < 0.02 && Math.abs(current.value - 0.02) < 0.005 && (effect ?? 0) > 10, `${name}: ${candidate.value} and ${current.value}`);
        assert.equal(verdict, 'worse', name);
        assert.equal(candidate.n + current.n, all.length);
      }
      assert.deepEqual(data.notes.messages, []);
    });
  }

  it('says of which metrics records tell nothing, per arm, and not of those that wait for their outcome', () => {
    const odd = { guardrails: [{ name: 'slow', bad: 'latency_ms > 80' }, { name: 'big', bad: 'features.amount > 900' }], signals: [{ name: 'conversion', mean: 'converted' }] };
    const all = timeouts.map((record, index) => ({ ...record, latency_ms: record.assigned_arm === 'candidate' && index % 2 === 0 ? null : index % 200 === 0 ? null : record.latency_ms }));
    const data = collect(all, odd);
    const candidate = all.filter(({ assigned_arm: arm }) => arm === 'candidate');
    const untold = candidate.filter(({ latency_ms: latency }) => latency === null).length;
    assert.deepEqual(data.notes.messages, [`${untold} of ${candidate.length} records of candidate do not tell slow, which reads latency_ms as a number: they do not count for it.`, 'No outcome, and no record with a request_id, has told the field converted, which conversion reads. A feature is called features.NAME, and a text stands in quotes.']);
  });

  it('refuses what says the same of every record', () => {
    const messages = (guardrail: object): string[] => readQuality({ guardrails: [guardrail] }).problems.map(({ path, message }) => `${path.join('.')}: ${message}`);
    assert.match(messages({ name: 'a', bad: '1 < 2' }).join(), /^guardrails\.0\.bad: reads no field of the record, so it says the same of every one/);
    assert.match(messages({ name: 'a', mean: '3' }).join(), /^guardrails\.0\.mean: reads no field/);
    assert.match(messages({ name: 'a', bad: 'latency_ms / 0 > 1 / 0' }).join(), /^guardrails\.0\.bad: this has no value, whatever the record is/);
  });
});

describe('a mean without the sum of squares', () => {
  const section = { guardrails: [{ name: 'latency', mean: 'latency_ms', limit: 0.1, margin: 1 }], signals: [{ name: 'conversion', mean: 'converted == 1' }] };
  const windows = ['candidate', 'current'].map((arm): QualityWindow => ({
    arm, environment: 'production', service: '', start: 0, end: 300_000, requests: 5000, units: 0,
    metrics: { latency: { n: 5000, sum: arm === 'candidate' ? 4660 : 1500, squares: Number.NaN }, conversion: { n: 5000, sum: arm === 'candidate' ? 400 : 1000, squares: arm === 'candidate' ? 400 : 1000 } },
  }));

  it('is shown, and has neither interval nor verdict, nor does it pass a limit', () => {
    const data = dataOfWindows(windows, { designEffect: 1, messages: [] });
    const report = compareArms(data, definition(section), 'production');
    const { verdict, because, interval, candidate } = metric(report, 'latency');
    assert.deepEqual([verdict, because, interval, candidate.value], ['insufficient data', 'the source tells no squares of the values, so the mean has no interval', undefined, 0.932]);
    assert.notEqual(metric(report, 'conversion').verdict, 'insufficient data');
    assert.equal(limitFinding(definition(section).metrics[0]!, windows, { data, environment: 'production', among: 1 })?.state, 'insufficient');
  });

  it('is what Prometheus tells of one, but not of a condition', async () => {
    const queries = { latency: { total: 'n{arm="$arm"}', sum: 'ms{arm="$arm"}' }, conversion: { total: 'n{arm="$arm"}', sum: 'yes{arm="$arm"}' } };
    const { problems } = readQuality({ ...section, source: { prometheus: { url: 'http://prometheus.test', design_effect: 1, queries } } });
    assert.equal(problems.length, 1, 'latency as a guardrail');
    const data = await readFake({ signals: [...section.signals, { name: 'latency', mean: 'latency_ms' }] }, { queries }, (query) => [{ labels: {}, samples: [[0, '0'], [5, query.startsWith('n') ? '5000' : query.startsWith('ms') ? '9000' : '700']] }]);
    assert.deepEqual(data.windows[0]?.metrics, { conversion: { n: 5000, sum: 700, squares: 700 }, latency: { n: 5000, sum: 9000, squares: Number.NaN } });
  });
});

describe('PR-AUC and Brier of scores', () => {
  const section = { signals: [{ name: 'area', measure: 'pr_auc' }, { name: 'brier', measure: 'brier' }] };
  interface Scored { score: number; outcome: number }

  /** One in ten is positive, and has higher scores. */
  function scored(scoreOf: (rank: number) => number): (Scored & Record<string, unknown>)[] {
    const random = seeded(8);
    return records({ count: 12_000 }).map((record) => {
      const outcome = Number(random() < 0.1);
      return { ...record, outcome, score: scoreOf(outcome === 1 ? Math.max(random(), random(), random()) : random()) };
    });
  }

  /** As scikit-learn's average_precision_score has it: records sorted, equal scores together. */
  function exact(all: readonly Scored[]): number {
    const sorted = [...all].sort((a, b) => b.score - a.score);
    const total = all.filter(({ outcome }) => outcome === 1).length;
    let [area, hits, added] = [0, 0, 0];
    for (const [index, { score, outcome }] of sorted.entries()) {
      added += outcome;
      if (sorted[index + 1]?.score === score) continue;
      hits += added;
      area += (added / total) * (hits / (index + 1));
      added = 0;
    }
    return area;
  }

  for (const [what, scoreOf] of [['between 0 and 1', (rank: number) => rank], ['all below 0.005', (rank: number) => 0.005 * rank], ['of a very rare event', (rank: number) => 10 ** (6 * rank - 8)], ['near 1', (rank: number) => 1 - 0.004 * (1 - rank)]] as const) {
    it(`is that of the records, of scores ${what}`, () => {
      const all = scored(scoreOf);
      const { candidate, current, verdict } = metric(compareArms(collect(all, section), definition(section), 'production'), 'area');
      for (const [arm, { value }] of Object.entries({ candidate, current })) {
        const expected = exact(all.filter(({ assigned_arm: own }) => own === arm));
        assert.ok(expected > 0.15 && Math.abs(value - expected) < 0.01, `${arm}: ${value} instead of ${expected}`);
      }
      assert.equal(verdict, 'undecided');
    });
  }

  it('is not told where scores lie too near to each other to tell their order', () => {
    const all = scored((rank) => 0.501 + 0.002 * rank);
    const { candidate, effect, verdict, because } = metric(compareArms(collect(all, section), definition(section), 'production'), 'area');
    assert.deepEqual([Number.isNaN(candidate.value), effect, verdict], [true, undefined, 'insufficient data']);
    assert.match(because, /^the scores of candidate lie too near to each other to tell their order \(between 0\.0\d and 1\.00\)$/);
  });

  it('is not told of scores that are no probabilities, which is said', () => {
    const margins = scored((rank) => 6 * rank - 3);
    const data = collect(margins, section);
    const report = compareArms(data, definition(section), 'production');
    const area = metric(report, 'area');
    assert.deepEqual([area.verdict, Number.isNaN(area.candidate.value), /^\d+ of \d+ scores of candidate are outside 0 to 1$/.test(area.because)], ['insufficient data', true, true], area.because);
    const { candidate, current } = metric(report, 'brier');
    assert.ok(candidate.value <= 1 && current.value <= 1, 'of those from 0 to 1');
    const outside = margins.filter(({ score }) => score < 0 || score > 1).length;
    assert.deepEqual(data.notes.messages.map((words) => words.replace(/^\d+ of .* of candidate with an outcome/, 'some')), ['some do not tell area: they do not count for it.', 'some do not tell brier: they do not count for it.', `${outside} scores of predictions with an outcome are outside 0 to 1: they tell nothing of area and brier.`]);
    const none = compareArms(collect(scored((rank) => 5 + rank), section), definition(section), 'production');
    assert.deepEqual([metric(none, 'brier').because, metric(none, 'area').because], ['no record tells it: brier is of outcomes and of scores from 0 to 1', 'no record tells it: pr_auc is of outcomes and of scores from 0 to 1']);
  });
});
