import assert from 'node:assert/strict';
import { Collector } from '../../../src/core/quality/collector.ts';
import { compareArms, type ComparisonOptions, type MetricComparison } from '../../../src/core/quality/comparison.ts';
import { readQuality, type QualityDefinition } from '../../../src/core/quality/definitions.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { cochranMantelHaenszel } from '../../../src/core/quality/stats/fixedTests.ts';
import { seeded } from '../../support/guardSimulation.ts';
import { START } from '../../support/qualityRecords.ts';

const HOUR = 3_600_000;
const UNLIKE = 'the arms have outcomes for different shares of their predictions';

interface Made { readonly arm: string; readonly service?: string; readonly unit: string; readonly outcome: Record<string, unknown> | undefined }

function defined(section: Record<string, unknown>): QualityDefinition {
  const { quality, problems } = readQuality({ source: { log: 'log.jsonl' }, window: '1h', ...section });
  assert.deepEqual(problems, []);
  return quality ?? assert.fail();
}

/** Predictions, a second apart, with their outcomes at once. */
function collected(definition: QualityDefinition, count: number, make: (index: number) => Made): QualityData {
  const collector = new Collector(definition, { flags: ['f'] });
  const place = (): string => 'record';
  for (let index = 0; index < count; index += 1) {
    const { arm, service = 'credit', unit, outcome } = make(index);
    const at = START + 1000 * index;
    collector.add({ ts: at, request_id: `r-${index}`, unit_id: unit, environment: 'production', service, flag: 'f', assigned_arm: arm, score: 0.5 }, place);
    if (outcome !== undefined) collector.add({ request_id: `r-${index}`, ts: at, ...outcome }, place);
  }
  return collector.data(START + 1000 * count + 48 * HOUR, []);
}

function told(data: QualityData, definition: QualityDefinition, options: ComparisonOptions = {}): readonly Pick<MetricComparison, 'verdict' | 'because'>[] {
  return compareArms(data, definition, 'production', options).metrics.map(({ verdict, because }) => ({ verdict, because }));
}

const DEFAULTS = { labels: { field: 'defaulted', mature_after: '1h' }, guardrails: [{ name: 'defaults', bad: 'defaulted == 1', max_ratio: 1.2 }] };

describe('shares of predictions with an outcome', () => {
  it('are compared as Cochran, Mantel and Haenszel do', () => {
    const near = (found: number, expected: number, within: number): void => assert.ok(Math.abs(found - expected) < within, `${found} is not ${expected}`);
    const table = ([a, b, c, d]: readonly [number, number, number, number]): Parameters<typeof cochranMantelHaenszel>[0][number] => ({ candidate: { n: a + b, sum: a }, current: { n: c + d, sum: c } });
    // Smoking and lung cancer in eight cities of China: Agresti, Categorical Data Analysis, 2002, table 6.7.
    const cities = ([[126, 100, 35, 61], [908, 688, 497, 807], [913, 747, 336, 598], [235, 172, 58, 121], [402, 308, 121, 215], [182, 156, 72, 98], [60, 99, 11, 43], [104, 89, 21, 36]] as const).map(table);
    near(cochranMantelHaenszel(cities).statistic, 280.1375, 1e-3);
    near(cochranMantelHaenszel(cities, 2).statistic, 280.1375 / 2, 1e-3);
    // One stratum: Pearson's chi-squared times (n - 1) / n.
    near(cochranMantelHaenszel([table([30, 70, 45, 55])]).statistic, 4.8 * 199 / 200, 1e-12);
    const alike = [table([600, 400, 1200, 800]), table([1900, 100, 950, 50])];
    assert.deepEqual(cochranMantelHaenszel(alike), { statistic: 0, p: 1, difference: 0, share: 0.775 });
    assert.deepEqual([cochranMantelHaenszel([]).p, cochranMantelHaenszel([table([3, 4, 0, 0])]).p], [1, 1]);
  });

  /** 5 % for two thirds, then 50 %, when outcomes come for fewer. */
  function staged(times: number, since?: number): readonly Pick<MetricComparison, 'verdict' | 'because'>[] {
    const [random, definition, count] = [seeded(7), defined(DEFAULTS), 36_000];
    const raised = 24_000;
    const data = collected(definition, count, (index) => {
      const arm = random() < (index < raised ? 0.05 : 0.5) ? 'candidate' : 'current';
      const isKnown = random() < (index < raised ? 0.95 : 0.78);
      return { arm, unit: `u-${index}`, outcome: isKnown ? { defaulted: Number(random() < 0.05 * (arm === 'candidate' ? times : 1)) } : undefined };
    });
    return told(data, definition, { shareAt: (start, end) => (end <= START + 1000 * raised ? 0.05 : start >= START + 1000 * raised ? 0.5 : undefined), since });
  }

  it('may change with time where the percentage does, too: the same process in both arms voids nothing, and hides nothing', () => {
    assert.deepEqual(staged(1).map(({ verdict }) => verdict), ['not worse']);
    assert.deepEqual(staged(4).map(({ verdict }) => verdict), ['worse']);
  });

  it('are not those of members of a segment, who were not drawn', () => {
    const [random, definition, count] = [seeded(4), defined(DEFAULTS), 20_000];
    const raised = 10_800;
    const data = collected(definition, count, (index) => {
      const arm = random() < 0.25 ? 'candidate' : 'current';
      return { arm, unit: `u-${index}`, outcome: index < raised && arm === 'candidate' && random() < 0.5 ? undefined : { defaulted: Number(random() < 0.05) } };
    });
    const at = (before: number): string | undefined => told(data, definition, { shareAt: (start) => (start < START + 1000 * raised ? before : 0.25) })[0]?.verdict;
    assert.equal(at(0.25), 'void');
    assert.notEqual(at(0), 'void');
  });

  it('differ by less than a point where few have one: a third of a sample of 2 % may be what was wrong', () => {
    const [random, definition] = [seeded(5), defined(DEFAULTS)];
    const of = (share: number): string | undefined => told(collected(definition, 40_000, (index) => {
      const arm = random() < 0.25 ? 'candidate' : 'current';
      return { arm, unit: `u-${index}`, outcome: random() < (arm === 'candidate' ? share : 0.02) ? { defaulted: Number(random() < 0.05) } : undefined };
    }), definition)[0]?.verdict;
    assert.equal(of(0.013), 'void');
    assert.notEqual(of(0.02), 'void');
  });

  it('may be others in each service', () => {
    const [random, definition] = [seeded(2), defined(DEFAULTS)];
    const data = collected(definition, 20_000, (index) => {
      const service = random() < 0.5 ? 'a' : 'b';
      const arm = random() < (service === 'a' ? 0.5 : 0.2) ? 'candidate' : 'current';
      const isKnown = random() < (service === 'a' ? 0.6 : 0.95);
      return { arm, service, unit: `u-${index}`, outcome: isKnown ? { defaulted: Number(random() < (arm === 'candidate' ? 0.15 : 0.05)) } : undefined };
    });
    assert.deepEqual(told(data, definition).map(({ verdict }) => verdict), ['worse']);
  });

  it('count since evidence began: what they were before voids nothing, and what they are does', () => {
    const [random, definition] = [seeded(3), defined(DEFAULTS)];
    const [early, began] = [10_800, START + 10_800_000];
    const data = collected(definition, 2 * early, (index) => {
      const arm = random() < 0.5 ? 'candidate' : 'current';
      return { arm, unit: `u-${index}`, outcome: index < early && arm === 'candidate' && random() < 0.4 ? undefined : { defaulted: Number(random() < 0.05) } };
    });
    assert.deepEqual(told(data, definition), [{ verdict: 'void', because: UNLIKE }]);
    assert.notEqual(told(data, definition, { since: began })[0]?.verdict, 'void');
  });

  for (const absent of [{}, { absent_means: 0 }]) it(`void the metrics that read what is told for other shares, and those only, ${JSON.stringify(absent)}`, () => {
    const definition = defined({
      labels: { field: 'clicked', mature_after: '1h', ...absent }, guardrails: [{ name: 'refunds', bad: 'refunded == 1' }, { name: 'refunds, or none told', bad: 'coalesce(refunded, 0) == 1' }],
      signals: [{ name: 'accuracy', measure: 'accuracy', margin: 0.1 }, { name: 'clicks', mean: 'clicked', margin: 0.1 }, { name: 'both', mean: 'clicked + refunded' }],
    });
    const random = seeded(1);
    const data = collected(definition, 20_000, (index) => {
      const arm = random() < 0.5 ? 'candidate' : 'current';
      const refunded = Number(random() < 0.05);
      // That nothing is refunded is told later for the candidate.
      const isKnown = refunded === 1 || random() < (arm === 'candidate' ? 0.45 : 0.9);
      return { arm, unit: `u-${index}`, outcome: { clicked: Number(random() < 0.5), ...(isKnown ? { refunded } : {}) } };
    });
    const metrics = compareArms(data, definition, 'production').metrics;
    assert.deepEqual(metrics.filter(({ verdict }) => verdict === 'void').map(({ name, because }) => [name, because]), [['refunds', UNLIKE], ['both', UNLIKE]]);
    assert.ok((metrics[0]?.evidence ?? 0) > 1e6, 'it would have been taken back');
  });

  it('of units whose outcomes come all together, or not at all, are as many as there are units', () => {
    const definition = defined(DEFAULTS);
    const verdicts = (dependent: boolean): number => Array.from({ length: 12 }, (_, seed) => {
      const random = seeded(100 + seed);
      const users = Array.from({ length: 300 }, () => ({ arm: random() < 0.5 ? 'candidate' : 'current', isKnown: random() < 0.5 }));
      return told(collected(definition, 6000, (index) => {
        const unit = Math.floor(random() * users.length);
        const { arm, isKnown } = users[unit] ?? assert.fail();
        return { arm, unit: dependent ? `u-${unit}` : `r-${index}`, outcome: isKnown ? { defaulted: Number(random() < 0.05) } : undefined };
      }), definition).filter(({ verdict }) => verdict === 'void').length;
    }).reduce((sum, count) => sum + count, 0);
    const found = [verdicts(true), verdicts(false)] as const;
    assert.ok(found[0] <= 1 && found[1] >= 6, `${found[0]} of 12 by units, ${found[1]} of 12 by requests`);
  });
});
