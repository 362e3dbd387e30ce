import assert from 'node:assert/strict';
import { countWords } from '../../../src/core/base/words.ts';
import type { MetricComparison } from '../../../src/core/quality/comparison.ts';
import { comparisonWords, figure, limitFigure } from '../../../src/core/releases/metricWords.ts';

describe('the figures of a reason', () => {
  it('show on which side of a bound they lie', () => {
    assert.deepEqual([figure({ kind: 'bad' }, 0.0404), figure({ kind: 'bad' }, 0.0404, 0.04), figure({ kind: 'bad' }, 0.05, 0.04)], ['4 %', '4.04 %', '5 %']);
    assert.deepEqual([figure({ kind: 'mean' }, 0.79996, 0.8), figure({ kind: 'mean' }, 0.7, 0.8), figure({ kind: 'mean' }, Number.NaN, 0.8)], ['0.79996', '0.7', 'no data']);
  });

  it('have a limit as it was written', () => {
    assert.deepEqual([limitFigure({ kind: 'bad' }, 0.0125), limitFigure({ kind: 'bad' }, 0.07), limitFigure({ kind: 'mean' }, 1234.5)], ['1.25 %', '7 %', '1234.5']);
  });

  it('have whole counts, also of a source that tells fractions', () => {
    assert.deepEqual([0, 0.3, 38.870000000000005, 999.4, 999.7, 1234.5, 999_960].map(countWords), ['0', '0', '39', '999', '1k', '1.2k', '1M']);
  });

  it('have a ratio above the one that is tolerated', () => {
    const metric: MetricComparison = { name: 'errors', role: 'guardrail', kind: 'bad', better: 'lower', candidate: { n: 1e6, value: 0.0244 }, current: { n: 3e6, value: 0.02 }, effect: 1.22, tolerated: 1.2, dispersion: 1, verdict: 'worse', because: '' };
    assert.match(comparisonWords(metric), /ratio 1\.22 above 1\.2$/);
    assert.match(comparisonWords({ ...metric, effect: 2.04 }), /ratio 2 above 1\.2$/);
  });
});
