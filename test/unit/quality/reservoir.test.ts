import assert from 'node:assert/strict';
import { Reservoir } from '../../../src/core/quality/reservoir.ts';

describe('a sample of a stream', () => {
  const numbers = (count: number): Float64Array => Float64Array.from({ length: count }, (_, index) => index);

  it('keeps each value with the same chance, wherever it came', () => {
    const [size, count, runs, parts] = [50, 2000, 400, 20];
    const kept = new Float64Array(parts);
    for (let run = 0; run < runs; run += 1) {
      const sample = new Reservoir(size, 7919 * run + 1);
      sample.addMany(numbers(count), count);
      assert.equal(new Set(sample.values).size, size);
      for (const value of sample.values) kept[Math.floor((parts * value) / count)] = (kept[Math.floor((parts * value) / count)] ?? 0) + 1;
    }
    const expected = (runs * size) / parts;
    const chiSquared = kept.reduce((sum, each) => sum + (each - expected) ** 2 / expected, 0);
    // The 0.999 quantile of chi-squared with 19 degrees of freedom.
    assert.ok(chiSquared < 43.8, `${chiSquared} of ${kept.join(' ')}`);
  });

  it('is the same for the same stream, however it comes and where it was saved in between', () => {
    const all = new Reservoir(100);
    all.addMany(numbers(5000), 5000);
    let parts = new Reservoir(100);
    for (let from = 0, step = 1; from < 5000; from += step, step = Math.min(5000 - from, 1 + ((7 * step) % 301)) || 1) {
      if (step % 2 === 0) parts.addMany(numbers(5000).subarray(from), step);
      else for (let index = from; index < from + step; index += 1) parts.add(index);
      parts = new Reservoir(100, 1, structuredClone(parts.saved));
    }
    assert.deepEqual(parts.values, all.values);
  });

  it('takes values back', () => {
    const sample = new Reservoir(10);
    sample.addMany(numbers(1000), 1000);
    const [gone = -1] = sample.values;
    sample.remove(gone);
    sample.remove(-5);
    const left = [...sample.values];
    sample.add(2000);
    assert.deepEqual([left.length, left.includes(gone), sample.values], [9, false, [...left, 2000]]);
  });
});
