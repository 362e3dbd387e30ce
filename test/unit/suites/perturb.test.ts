import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { signatureFromLists } from '../../../src/core/models/signature.ts';
import { columnsOfRows, explicitEdges, signatureEdges } from '../../../src/core/suites/boundaries.ts';
import type { Row, Variant } from '../../../src/core/suites/model.ts';
import { perturb, sweepValues } from '../../../src/core/suites/perturb.ts';
import { randomOf, sampleOf } from '../../../src/core/suites/random.ts';
import type { ChangesContent } from '../../../src/core/suites/schema.ts';
import { templateCases } from '../../../src/core/suites/templates.ts';

const seed = fc.integer({ min: 0, max: 1_000_000 });
const number = fc.double({ min: -1e6, max: 1e6, noNaN: true, noDefaultInfinity: true });
const words = fc.stringMatching(/^[A-Za-zäéß' ]{2,30}$/);
const scalar = fc.oneof(fc.string(), number, fc.boolean(), fc.constant(null));

function change(row: Row, changes: ChangesContent, by = 1, times = 1, integers: readonly string[] = []): Variant[] {
  return perturb(row, changes, { times, integers: new Set(integers), random: randomOf(by) });
}

/** Edits of one typo: swaps, insertions, deletions and replacements count 1 each (Damerau-Levenshtein, optimal string alignment). */
function edits(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  const table = Array.from({ length: left.length + 1 }, (_, i) => Array.from({ length: right.length + 1 }, (__, j) => (i === 0 ? j : j === 0 ? i : 0)));
  for (let i = 1; i <= left.length; i += 1) {
    for (let j = 1; j <= right.length; j += 1) {
      const row = table[i]!;
      row[j] = Math.min(table[i - 1]![j]! + 1, row[j - 1]! + 1, table[i - 1]![j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1]) row[j] = Math.min(row[j]!, table[i - 2]![j - 2]! + 1);
    }
  }
  return table[left.length]![right.length]!;
}

describe('perturbations', () => {
  it('of value lists take each other value once, and leave all other columns and their order', () => {
    fc.assert(fc.property(fc.uniqueArray(scalar, { minLength: 1, maxLength: 8, comparator: 'SameValueZero' }), scalar, number, (values, own, other) => {
      const found = change({ a: own, b: other }, { a: values });
      assert.deepEqual(found.map(({ row }) => row['a']), values.filter((value) => value !== own));
      for (const { row } of found) assert.deepEqual([Object.keys(row), row['b']], [['a', 'b'], other]);
    }), { seed: 20_261_130 });
  });

  it('by jitter stay within abs or rel, are never the value itself, and spread to both sides', () => {
    fc.assert(fc.property(number, fc.double({ min: 0.001, max: 100, noNaN: true }), seed, (value, abs, by) => {
      for (const { row } of change({ a: value }, { a: { jitter: { abs } } }, by, 5)) {
        const moved = Math.abs((row['a'] as number) - value);
        assert.ok(moved > 0 && moved <= abs * (1 + 1e-9) + 1e-9, `${value} ${row['a'] as number} ${abs}`);
      }
      for (const { row } of change({ a: value }, { a: { jitter: { rel: 0.1 } } }, by, 5)) assert.ok(Math.abs((row['a'] as number) - value) <= 0.1 * Math.abs(value) + 1e-9);
    }), { seed: 20_261_130 });
    const moved = change({ a: 100 }, { a: { jitter: { rel: 0.5 } } }, 3, 1000).map(({ row }) => row['a'] as number);
    assert.ok(Math.min(...moved) < 55 && Math.max(...moved) > 145);
    assert.ok(Math.abs(moved.reduce((sum, each) => sum + each, 0) / moved.length - 100) < 3);
  });

  it('of numbers add, add per cent of the size and multiply; whole numbers stay whole where the signature says so', () => {
    fc.assert(fc.property(number, fc.integer({ min: -90, max: 300 }), (value, percent) => {
      const [found] = change({ a: value }, { a: { add_pct: percent } });
      if (found !== undefined) assert.equal(found.row['a'], value + (Math.abs(value) * percent) / 100);
    }), { seed: 20_261_130 });
    assert.deepEqual(change({ a: -50 }, { a: { add_pct: 20 } })[0]?.row, { a: -40 });
    assert.deepEqual(change({ a: 3 }, { a: { add: 2 } })[0]?.row, { a: 5 });
    assert.deepEqual(change({ a: 3 }, { a: { multiply: 1.5 } }, 1, 1, ['a'])[0]?.row, { a: 5 });
    assert.deepEqual(change({ a: 3 }, { a: { add_pct: 1 } }, 1, 1, ['a']), []);
    assert.deepEqual(change({ a: 'x', b: null }, { a: { add: 1 }, b: { add: 1 } }), []);
  });

  it('by typos are at most so many edits away, and not the text', () => {
    fc.assert(fc.property(words, fc.integer({ min: 1, max: 4 }), seed, (text, typos, by) => {
      for (const { row } of change({ a: text }, { a: { typos } }, by, 3)) {
        assert.notEqual(row['a'], text);
        assert.ok(edits(text, row['a'] as string) <= typos * 2, `${text} ${row['a'] as string}`);
        if (typos === 1) assert.equal(edits(text, row['a'] as string), 1);
      }
    }), { seed: 20_261_130 });
  });

  it('of letter case and whitespace change nothing else', () => {
    fc.assert(fc.property(words, (text) => {
      for (const { row } of change({ a: text }, { a: { case: ['upper', 'lower', 'title', 'swap'] } })) assert.equal((row['a'] as string).toLowerCase().replaceAll('ß', 'ss'), text.toLowerCase().replaceAll('ß', 'ss'));
      for (const { row } of change({ a: text }, { a: { whitespace: ['lead', 'trail', 'double', 'tab'] } })) {
        assert.equal((row['a'] as string).replace(/\s/g, ''), text.replace(/\s/g, ''));
        assert.notEqual(row['a'], text);
      }
    }), { seed: 20_261_130 });
    assert.deepEqual(change({ a: "anna's BIG day" }, { a: { case: 'title' } }).map(({ row }) => row['a']), ["Anna's Big Day"]);
  });

  it('replace whole words, each replacement in turn', () => {
    assert.deepEqual(change({ a: 'a good goodness, good' }, { a: { replace: { good: ['great', '$&'] } } }).map(({ row }) => row['a']), ['a great goodness, great', 'a $& goodness, $&']);
  });

  it('of the order of columns are another order of the same', () => {
    fc.assert(fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 2, maxLength: 8 }), seed, (columns, by) => {
      const row = Object.fromEntries(columns.map((column, index) => [column, index]));
      const found = change(row, 'shuffle_columns', by, 3);
      assert.equal(found.length, 3);
      for (const each of found) {
        assert.deepEqual(each.row, row);
        assert.notDeepEqual(Object.keys(each.row), columns);
      }
    }), { seed: 20_261_130 });
  });

  it('of several columns are combined, without twins', () => {
    assert.deepEqual(change({ a: 1, b: 1 }, { a: [1, 2], b: [3, 4, 3] }).map(({ row }) => row), [{ a: 2, b: 3 }, { a: 2, b: 4 }]);
    assert.deepEqual(change({ a: 1, b: 1 }, { a: [2], b: [1] }).map(({ change: words_ }) => words_), ['a 1 -> 2']);
  });

  it('are the same for the same seed, and others for another', () => {
    const of = (...by: (string | number)[]): string => JSON.stringify(perturb({ a: 'some words here' }, { a: { typos: 2 } }, { times: 5, integers: new Set(), random: randomOf(...by) }));
    assert.equal(of('7', 'test', 3), of('7', 'test', 3));
    assert.notEqual(of('7', 'test', 3), of('7', 'test', 4));
    assert.notEqual(of('7', 'test', 3), of('8', 'test', 3));
  });

  it('by a sweep go through its values', () => assert.deepEqual([sweepValues([3, 1]), sweepValues({ from: 0, to: 1, steps: 3 })], [[3, 1], [0, 0.5, 1]]));
});

describe('random numbers', () => {
  it('are uniform, by Pearson\'s chi-squared over 100 parts of 100,000', () => {
    const random = randomOf('uniform');
    const parts = Array.from({ length: 100 }, () => 0);
    for (let draw = 0; draw < 100_000; draw += 1) parts[random.below(100)]! += 1;
    const statistic = parts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    // 99 degrees: 99.9 % lie below 148.2.
    assert.ok(statistic < 148.2, String(statistic));
  });

  it('sample every row alike, in their order', async () => {
    const counts = Array.from({ length: 20 }, () => 0);
    async function* rows(): AsyncGenerator<number> { for (let row = 0; row < 20; row += 1) yield row; await Promise.resolve(); }
    for (let run = 0; run < 4000; run += 1) {
      const { items, total } = await sampleOf(rows(), 5, randomOf('sample', run));
      assert.equal(total, 20);
      assert.deepEqual(items, items.toSorted((a, b) => a - b));
      for (const item of items) counts[item]! += 1;
    }
    for (const count of counts) assert.ok(Math.abs(count - 1000) < 110, counts.join());
  });
});

describe('templates', () => {
  it('make every combination of the placeholders that a text names', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), (a, b) => {
      const placeholders = { a: Array.from({ length: a }, (_, index) => `a${index}`), b: Array.from({ length: b }, (_, index) => `b${index}`) };
      const found = [...templateCases({ column: 't', texts: ['{a} and {b}', 'only {a}'], placeholders })];
      assert.equal(found.length, a * b + a);
      assert.equal(new Set(found.map(({ row }) => row['t'])).size, a * b + a);
      for (const { row, record } of found) assert.ok(record['b'] === undefined ? row['t'] === `only ${record['a'] as string}` : row['t'] === `${record['a'] as string} and ${record['b'] as string}`);
    }), { seed: 20_261_130 });
  });

  it('hold all others while one varies', () => {
    const found = [...templateCases({ column: 't', texts: ['{name} is {mood}'], placeholders: { name: ['Anna', 'Ahmed', 'Wei'], mood: ['glad', 'sad'] }, vary: 'name' })];
    assert.deepEqual(found.map(({ row, varied }) => [row['t'], ...varied.map((each) => each['t'])]), [['Anna is glad', 'Ahmed is glad', 'Wei is glad'], ['Anna is sad', 'Ahmed is sad', 'Wei is sad']]);
  });
});

describe('boundaries', () => {
  const signature = signatureFromLists({ inputs: [{ name: 'amount', type: 'double' }, { name: 'visits', type: 'long' }, { name: 'country', type: 'string' }, { name: 'seen', type: 'boolean' }] });
  const columns = signature.kind === 'known' ? signature.inputs ?? [] : [];
  const row = { amount: 1.5, visits: 2, country: 'DE', seen: true };

  it('are one column at one edge each, by its type', () => {
    const found = signatureEdges(columns, row, () => true);
    for (const { row: edge, column } of found) {
      const changed = Object.keys(row).filter((key) => edge[key as keyof typeof row] !== row[key as keyof typeof row]);
      assert.deepEqual(changed, [column]);
    }
    const of = (column: string): string[] => [...new Set(found.filter((edge) => edge.column === column).map(({ kind }) => kind))];
    assert.deepEqual(of('amount'), ['null', 'missing', 'zero', 'negative', 'limits']);
    assert.deepEqual(of('country'), ['null', 'missing', 'empty', 'long', 'unseen', 'unicode']);
    assert.deepEqual(of('seen'), ['null', 'missing']);
    assert.deepEqual(found.filter(({ kind, column }) => kind === 'limits' && column === 'amount').map(({ row: edge }) => edge.amount), [Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE]);
    assert.equal((found.find(({ kind }) => kind === 'long')?.row['country'] as string).length, 100_000);
    assert.ok(!Object.hasOwn(found.find(({ kind }) => kind === 'missing')?.row ?? {}, 'amount'));
  });

  it('can be chosen, named, and taken from the data', () => {
    assert.deepEqual(signatureEdges(columns, row, (kind) => kind === 'zero').map(({ change: words_ }) => words_), ['amount 0', 'visits 0']);
    assert.deepEqual(explicitEdges({ amount: [0, null] }, row).map(({ row: edge }) => edge['amount']), [0, null]);
    assert.deepEqual(columnsOfRows([{ a: 1, b: 1.5, c: 'x', d: null, e: true }, { a: 2, b: 1, c: 'y', d: null }]).map(({ name, type, required }) => [name, type.kind === 'scalar' ? type.type : type.kind, required]), [
      ['a', 'long', true], ['b', 'double', true], ['c', 'string', true], ['d', 'any', false], ['e', 'boolean', false],
    ]);
  });
});
