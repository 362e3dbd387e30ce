import assert from 'node:assert/strict';
import { Collector, type SavedCollector } from '../../../src/core/quality/collector.ts';
import { readQuality, type QualityDefinition } from '../../../src/core/quality/definitions.ts';
import { driftFindings, type DriftFinding } from '../../../src/core/quality/productionDrift.ts';
import type { DriftReference, FeatureSample } from '../../../src/core/quality/window.ts';
import { START } from '../../support/qualityRecords.ts';

const HOUR = 3_600_000;

interface Made { readonly at: number; readonly arm: string; readonly features: Record<string, unknown> }

function defined(drift: Record<string, unknown>): QualityDefinition {
  const { quality, problems } = readQuality({ source: { log: 'log.jsonl' }, guardrails: [{ name: 'errors', bad: 'error' }], drift });
  assert.deepEqual(problems, []);
  return quality ?? assert.fail();
}

/** 2,000 predictions of an arm, each of another unit, within an hour. */
function hour(at: number, arm: string, names: readonly string[], rows = 2000): Made[] {
  return Array.from({ length: rows }, (_, row) => ({ at: at + Math.floor(row * (HOUR / rows)), arm, features: Object.fromEntries(names.map((name) => [name, row % 7])) }));
}

interface Read { readonly now: number; readonly features?: readonly string[]; readonly references?: readonly DriftReference[]; readonly isSaved?: boolean }

function found(definition: QualityDefinition, all: readonly Made[], { now, features, references, isSaved = false }: Read): readonly DriftFinding[] {
  let collector = new Collector(definition, { flags: ['f'], features });
  collector.now = now;
  for (const [index, { at, arm, features: told }] of all.entries()) {
    if (isSaved && index === all.length / 2) collector = new Collector(definition, { flags: ['f'], features }, structuredClone<SavedCollector>(collector.saved ?? assert.fail()));
    collector.add({ ts: at, request_id: `r-${index}`, unit_id: `u-${index}`, environment: 'production', flag: 'f', assigned_arm: arm, score: 0.5, error: null, features: told }, () => 'record');
  }
  const data = collector.data(now, []);
  return driftFindings(references === undefined ? data : { ...data, references }, 'production');
}

const of = (findings: readonly DriftFinding[], production: string): readonly [alarms: readonly (readonly [string, number])[], onlyReference: readonly string[]] => {
  const { features, onlyReference } = findings.find((each) => each.production === production)?.report ?? assert.fail(production);
  return [features.filter(({ alarm }) => alarm).map(({ feature, production: { missing } }) => [feature, missing]), onlyReference];
};

const sample = (name: string): FeatureSample => ({ name, rows: 2000, missing: 0, values: Array.from({ length: 2000 }, (_, row) => row % 7), categories: {}, otherCategories: 0 });
const FILE: readonly DriftReference[] = [{ name: 'train.csv', rows: 2000, units: 2000, samples: ['age', 'amount', 'target'].map(sample) }];

describe('a feature that no record of production tells', () => {
  it('is missing where the other arm has it', () => {
    const findings = found(defined({}), [...hour(START, 'current', ['age', 'amount']), ...hour(START, 'candidate', ['amount'])], { now: START + HOUR });
    assert.deepEqual(of(findings, 'candidate'), [[['age', 1]], []]);
    const [lost] = findings[0]?.report.features ?? [];
    assert.match(lost?.because ?? '', /^production has no value; missing 0 % -> 100 % /);
  });

  it('is missing where the same hours of an earlier week have it', () => {
    const now = START + 168 * HOUR + HOUR;
    const definition = defined({ reference: { weeks_ago: 1, hours: 1 } });
    const findings = found(definition, [...hour(START, 'current', ['age', 'amount']), ...hour(START + 168 * HOUR, 'current', ['amount'])], { now: now - 1 });
    assert.deepEqual(of(findings, 'current'), [[['age', 1]], []]);
  });

  for (const [name, isSaved] of [['', false], [', also where it was saved meanwhile', true]] as const) {
    it(`is missing against a file where the arm has told it before, and else just a column of the file${name}`, () => {
      // Of what is too old to be counted, and of hours that were counted and are no more.
      const [early, late] = [hour(START, 'current', ['age', 'amount']), hour(START + 48 * HOUR, 'current', ['amount'])];
      assert.deepEqual(of(found(defined({}), [...early, ...late], { now: START + 49 * HOUR - 1, references: FILE, isSaved }), 'current'), [[['age', 1]], ['target']]);
      const definition = defined({});
      const collector = new Collector(definition, { flags: ['f'] });
      for (const [now, all] of [[START + HOUR, early], [START + 49 * HOUR - 1, late]] as const) {
        collector.now = now;
        for (const { at, arm, features } of all) collector.add({ ts: at, request_id: `r-${at}`, unit_id: `u-${at}`, environment: 'production', flag: 'f', assigned_arm: arm, score: 0.5, features }, () => 'record');
      }
      const restarted = isSaved ? new Collector(definition, { flags: ['f'] }, structuredClone<SavedCollector>(collector.saved ?? assert.fail())) : collector;
      assert.deepEqual(of(driftFindings({ ...restarted.data(START + 49 * HOUR - 1, []), references: FILE }, 'production'), 'current'), [[['age', 1]], ['target']]);
    });
  }

  it('is no loss of an arm that never told it: the candidate may read more than current does', () => {
    const findings = found(defined({}), [...hour(START, 'current', ['amount']), ...hour(START, 'candidate', ['age', 'amount']), ...hour(START + 48 * HOUR, 'current', ['amount']), ...hour(START + 48 * HOUR, 'candidate', ['age', 'amount'])], { now: START + 49 * HOUR - 1, references: FILE });
    const [against] = [findings.filter(({ reference }) => reference === 'train.csv')];
    assert.deepEqual([of(against, 'current'), of(against, 'candidate')], [[[], ['age', 'target']], [[], ['target']]]);
  });

  it('is none where it is one of too many to be looked at', () => {
    const many = Array.from({ length: 200 }, (_, index) => `a${index}`);
    const crowded = found(defined({}), [...hour(START, 'current', ['age', 'amount'], 300), ...hour(START, 'candidate', [...many, 'age', 'amount'], 300)], { now: START + HOUR });
    assert.deepEqual(of(crowded, 'candidate'), [[], ['age', 'amount']]);
  });
});
