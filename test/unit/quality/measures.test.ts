import assert from 'node:assert/strict';
import { Collector } from '../../../src/core/quality/collector.ts';
import { compareArms, type ComparisonReport, type MetricComparison } from '../../../src/core/quality/comparison.ts';
import { readQuality, type QualityDefinition } from '../../../src/core/quality/definitions.ts';
import { valueOf } from '../../../src/core/quality/measures.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
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
  return collector.data(START + 90 * 86_400_000, []);
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
    for (const [yes, no] of [[1, 0], [true, false], ['1', '0'], ['true', 'false'], ['True', 'False'], ['1.0', '0.0']]) {
      for (const [truth, untruth] of [[1, 0], [true, false], ['True', 'False']]) {
        const values = [[yes, truth], [yes, untruth], [no, truth], [no, untruth]].map(([label, outcome]) => [accuracy, precision, recall].map((measure) => measure!({ label, outcome })));
        assert.deepEqual(values, [[1, 1, 1], [0, 0, null], [0, null, 0], [1, null, null]], `${String(yes)} ${String(truth)}`);
      }
    }
    assert.deepEqual([accuracy!({ label: 3, outcome: '3.0' }), accuracy!({ label: 3, outcome: 7 }), accuracy!({ label: 'x', outcome: 1 }), accuracy!({ label: -1, outcome: 0 })], [1, 0, 0, 0]);
    assert.deepEqual([accuracy!({ label: 3 }), accuracy!({ outcome: 3 }), accuracy!({ label: '', outcome: 3 }), precision!({ label: 3, outcome: 4 }), recall!({ label: 3, outcome: 4 })], [null, null, null, null, null]);
    assert.deepEqual([accuracy!({ score: 0.7, outcome: 12.5 }), recall!({ score: 0.7, outcome: 12.5 }), accuracy!({ score: 0.2, label: 1, outcome: 1 })], [1, 1, 0], 'a score goes by the threshold');
  });

  it('takes shadow answers of different classes for different', () => {
    const served = records({ count: 400, share: 0 }).map((record, index) => ({ ...record, error: null, score: undefined, label: 1 + (index % 9), outcome: 1 + (index % 9) }));
    const shadow = served.map((record, index) => ({ ...record, role: 'shadow', assigned_arm: 'candidate', label: index % 4 === 0 ? (record.label % 9) + 1 : record.label, outcome: undefined }));
    const { shadow: pairs } = collect([...served, ...shadow], {});
    assert.deepEqual([pairs?.pairs, pairs?.agreed, pairs?.onlyServedRight], [400, 300, 0]);
  });
});
