import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { limitVerdict, lowerRank, quantileBounds, ratioBounds, upperRank } from '../../../src/core/suites/latency.ts';
import { judgeDirection, judgeExpectation, judgeInvariance, type Direction, type Judgement } from '../../../src/core/suites/judge.ts';
import type { Output } from '../../../src/core/suites/model.ts';
import { outputReader, pathProblem } from '../../../src/core/suites/output.ts';
import { randomOf } from '../../../src/core/suites/random.ts';
import { isClose } from '../../../src/core/suites/tolerance.ts';

const EXACT = { abs: 0, rel: 0 };

/** Two classes, as CheckList's softmax: [negative, positive]. */
function sentiment(positive: number): Output {
  return { label: positive > 0.5 ? 'positive' : 'negative', proba: { negative: 1 - positive, positive } };
}

function kind(judgement: Judgement): Judgement['kind'] {
  return judgement.kind;
}

/** CheckList's definitions (checklist/expect.py: `inv` and `monotonic`, softmax), written down anew from the paper and the code's behaviour: true, false, or undefined where a case does not apply. */
const checklist = {
  inv(original: Output, changed: Output, tolerance: number): boolean {
    if (original.label === changed.label) return true;
    const of = (output: Output): number => output.proba?.[original.label as string] ?? Number.NaN;
    return tolerance !== 0 && Math.abs(of(changed) - of(original)) <= tolerance;
  },
  monotonic(original: Output, changed: Output, increasing: boolean, tolerance: number, label?: string): boolean | undefined {
    const of = (output: Output): number => output.proba?.[label ?? original.label as string] ?? Number.NaN;
    const difference = of(changed) - of(original);
    if (increasing ? of(original) <= tolerance : of(original) >= 1 - tolerance) return undefined;
    return increasing ? difference + tolerance >= 0 : difference - tolerance <= 0;
  },
};

const outcome = (result: boolean | undefined): Judgement['kind'] => (result === undefined ? 'skipped' : result ? 'passed' : 'failed');
// Away from the edges of floating point: hundredths, with tolerances that are none.
const share = fc.integer({ min: 0, max: 100 }).map((hundredths) => hundredths / 100);
const tolerance = fc.constantFrom(0, 0.005, 0.105, 0.255, 0.995);

describe('CheckList\'s definitions', () => {
  it('MFT: the label is the expected one', () => {
    const expected = { label: 'negative', tolerance: EXACT };
    assert.equal(kind(judgeExpectation(sentiment(0.2), expected)), 'passed');
    assert.deepEqual(judgeExpectation(sentiment(0.8), expected), { kind: 'failed', expected: '"negative"', actual: '"positive", probability 0.8' });
  });

  it('INV: "@JetBlue thank you" stays positive; a flip within the tolerance passes', () => {
    assert.equal(kind(judgeInvariance(sentiment(0.9), sentiment(0.6), undefined, EXACT)), 'passed');
    assert.deepEqual(judgeInvariance(sentiment(0.52), sentiment(0.45), undefined, EXACT), { kind: 'failed', expected: '"positive", probability 0.52', actual: '"negative", probability 0.55' });
    assert.equal(kind(judgeInvariance(sentiment(0.52), sentiment(0.45), undefined, { abs: 0.1, rel: 0 })), 'passed');
    assert.equal(kind(judgeInvariance(sentiment(0.9), sentiment(0.2), undefined, { abs: 0.1, rel: 0 })), 'failed');
    fc.assert(fc.property(share, share, tolerance, (a, b, abs) => assert.equal(kind(judgeInvariance(sentiment(a), sentiment(b), undefined, { abs, rel: 0 })), outcome(checklist.inv(sentiment(a), sentiment(b), abs)))), { seed: 20_261_130 });
  });

  it('DIR: "I dread you." added does not make the sentiment more positive', () => {
    const down: Direction = { expect: 'decrease', class: 'positive', tolerance: { abs: 0.1, rel: 0 } };
    assert.equal(kind(judgeDirection(sentiment(0.6), sentiment(0.3), down)), 'passed');
    assert.equal(kind(judgeDirection(sentiment(0.6), sentiment(0.65), down)), 'passed');
    assert.equal(kind(judgeDirection(sentiment(0.6), sentiment(0.75), down)), 'failed');
    assert.deepEqual(judgeDirection(sentiment(0.95), sentiment(1), down), { kind: 'skipped', reason: 'it cannot fail: the answer is 0.95 already' });
    fc.assert(fc.property(share, share, tolerance, fc.boolean(), fc.constantFrom(undefined, 'positive', 'negative'), (a, b, abs, increasing, label) => {
      const judged = judgeDirection(sentiment(a), sentiment(b), { expect: increasing ? 'increase' : 'decrease', class: label, tolerance: { abs, rel: 0 } });
      // A tolerance of the whole range: both skip, ours for every value.
      if (abs < 0.9) assert.equal(kind(judged), outcome(checklist.monotonic(sentiment(a), sentiment(b), increasing, abs, label)));
    }), { seed: 20_261_130 });
  });
});

describe('judgements', () => {
  it('compare scores as Python\'s math.isclose (PEP 485)', () => {
    // Values by CPython 3.11.
    assert.deepEqual([[1, 1.1, 0.1, 0], [1, 1.1, 0, 0.1], [-100, -101, 0.01, 0], [0, 1e-9, 1e-3, 0], [1e308, Infinity, 0.5, 0], [Infinity, Infinity, 0, 0], [Number.NaN, Number.NaN, 1, 1]].map(([a = 0, b = 0, rel = 0, abs = 0]) => isClose(a, b, { abs, rel })), [true, false, true, false, false, true, false]);
    assert.equal(kind(judgeInvariance({ score: -100 }, { score: -101 }, undefined, { abs: 0, rel: 0.001 })), 'failed');
    fc.assert(fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (a, b, rel) => assert.equal(isClose(a, b, { abs: 0, rel }), isClose(b, a, { abs: 0, rel }))), { seed: 20_261_130 });
  });

  it('by at least and at most, and skip where there is no room', () => {
    const of = (from: number, to: number, given: Partial<Direction>, range?: readonly [number, number]): string => kind(judgeDirection({ score: from }, { score: to }, { expect: 'increase', tolerance: EXACT, range, ...given }));
    assert.deepEqual([of(0.5, 0.6, { atLeast: 0.05 }), of(0.5, 0.54, { atLeast: 0.05 }), of(0.5, 0.4, { atLeast: 0.05 })], ['passed', 'failed', 'failed']);
    assert.deepEqual([of(0.5, 0.6, { atMost: 0.2 }), of(0.5, 0.8, { atMost: 0.2 }), of(0.5, 0.4, { atMost: 0.2 })], ['passed', 'failed', 'failed']);
    assert.equal(of(0.98, 1, { atLeast: 0.05 }, [0, 1]), 'skipped');
    assert.equal(of(0, 0.1, {}, [0, 1]), 'skipped');
    assert.equal(of(0, -0.1, {}), 'failed');
    assert.equal(kind(judgeDirection({ label: 'a' }, { label: 'b' }, { expect: 'increase', tolerance: EXACT })), 'error');
  });

  it('expect scores, labels and conditions; what cannot be told is an error', () => {
    const output: Output = { label: 1, score: 0.4 };
    const kinds = [{ between: [0, 0.4] as const }, { between: [0.5, 1] as const }, { label: '1' }, { oneOf: [2, 1] }, { oneOf: [2] }, { score: 0.41 }, { that: { text: 'x', holds: () => null } }].map((expected) => kind(judgeExpectation(output, { tolerance: EXACT, ...expected })));
    assert.deepEqual(kinds, ['passed', 'failed', 'passed', 'passed', 'failed', 'failed', 'error']);
    assert.equal(kind(judgeExpectation({ label: 'a' }, { between: [0, 1], tolerance: EXACT })), 'error');
  });
});

describe('outputs', () => {
  const read = (spec: Parameters<typeof outputReader>[0], document: unknown): unknown => outputReader(spec, '$')(document as never);

  it('are found by JSONPath: score, label, probabilities with classes', () => {
    assert.deepEqual(read({ score: '$.predictions[0][1]' }, { predictions: [[0.1, 0.9]] }), { score: 0.9 });
    assert.deepEqual(read({ score: '$..p' }, { a: [{ p: 0.5 }] }), { score: 0.5 });
    assert.deepEqual(read({ proba: '$', classes: ['no', 'yes'] }, [0.3, 0.7]), { proba: { no: 0.3, yes: 0.7 }, label: 'yes' });
    assert.deepEqual(read({ proba: '$.p', label: '$.l' }, { p: { a: 1 }, l: 'b' }), { proba: { a: 1 }, label: 'b' });
    assert.deepEqual([read({}, 0.5), read({}, 'spam'), read({}, true)], [{ score: 0.5 }, { label: 'spam' }, { label: true }]);
  });

  it('that are missing, NaN or of another kind are failures that say so', () => {
    const failed = (spec: Parameters<typeof outputReader>[0], document: unknown): unknown => (read(spec, document) as { failed?: string }).failed;
    assert.deepEqual([failed({ score: '$.a' }, {}), failed({ score: '$.a' }, { a: 'NaN' }), failed({ score: '$.a' }, { a: null }), failed({ score: '$.a' }, { a: 'high' }), failed({ proba: '$', classes: [1, 2] }, [1]), failed({ proba: '$' }, ['NaN', 1]), failed({ label: '$.l' }, {})], ['missing', 'notFinite', 'notFinite', 'garbage', 'garbage', 'notFinite', 'missing']);
    assert.deepEqual([pathProblem('$.a[0]'), pathProblem('a')?.offset], [undefined, 0]);
  });
});

describe('bounds of latencies', () => {
  it('are the order statistics of Wilks: p95 by the largest of 59, second of 93, third of 124; p99 by that of 299', () => {
    assert.deepEqual([58, 59, 92, 93, 123, 124].map((n) => upperRank(n, 0.95)), [undefined, 59, 92, 92, 122, 122]);
    assert.deepEqual([298, 299].map((n) => upperRank(n, 0.99)), [undefined, 299]);
    // The median of 20: from the 6th to the 15th (Conover, Practical Nonparametric Statistics).
    assert.deepEqual([lowerRank(20, 0.5), upperRank(20, 0.5)], [6, 15]);
  });

  it('hold as often as they say, and less often err where samples depend on each other than without the effective number', () => {
    const random = randomOf('latency');
    let [upper, lower, dependent] = [0, 0, 0];
    const runs = 2000;
    const p95 = -Math.log(0.05);
    const exponential = (): number => -Math.log(1 - random.next());
    for (let run = 0; run < runs; run += 1) {
      const bounds = quantileBounds(Float64Array.from({ length: 300 }, exponential), 0.95);
      if ((bounds.upper ?? Infinity) < p95) upper += 1;
      if ((bounds.lower ?? 0) > p95) lower += 1;
      // Each value stays for a while: a mean of five in a row.
      let value = 0;
      const series = Float64Array.from({ length: 300 }, () => (value = random.next() < 0.2 || value === 0 ? exponential() : value));
      if ((quantileBounds(series, 0.95).upper ?? Infinity) < p95) dependent += 1;
    }
    assert.ok(upper / runs <= 0.065 && lower / runs <= 0.065, `${upper} ${lower}`);
    assert.ok(dependent / runs <= 0.12, String(dependent));
  });

  it('decide: pass if the upper bound keeps the limit, fail if the lower exceeds it, else inconclusive', () => {
    assert.deepEqual([limitVerdict({ lower: 1, upper: 2 }, 2), limitVerdict({ lower: 2, upper: 3 }, 1.9), limitVerdict({ lower: 1, upper: 3 }, 2), limitVerdict({ lower: 1 }, 2)], ['passed', 'failed', 'inconclusive', 'inconclusive']);
  });

  it('of a ratio take both sides', () => {
    const series = (factor: number): Float64Array => Float64Array.from({ length: 400 }, (_, index) => factor * (10 + ((index * 7919) % 100) / 10));
    const { estimate, lower, upper } = ratioBounds(series(1.5), series(1), 0.95);
    assert.ok(Math.abs(estimate - 1.5) < 1e-9 && lower !== undefined && upper !== undefined && lower < 1.5 && upper > 1.5, JSON.stringify([lower, upper]));
  });
});
