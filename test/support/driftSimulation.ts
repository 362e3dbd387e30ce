import assert from 'node:assert/strict';
import { CategoryCounts } from '../../src/core/quality/categoryCounts.ts';
import { featureDrift, type FeatureDrift } from '../../src/core/quality/drift.ts';
import { joined } from '../../src/core/quality/joinedSamples.ts';
import { psi, psiNoise, PSI_MATTERS } from '../../src/core/quality/stats/driftMeasures.ts';
import type { FeatureSample } from '../../src/core/quality/window.ts';
import { seeded } from './guardSimulation.ts';

/** What hours a side has: each meets categories in an order of its own. */
const PARTS = 3;

/** The chances of categories, added up. */
export function summed(chances: readonly number[]): Float64Array {
  const total = chances.reduce((all, chance) => all + chance, 0);
  let sum = 0;
  return Float64Array.from(chances, (chance) => (sum += chance / total));
}

export const uniform = (size: number): Float64Array => summed(new Array<number>(size).fill(1));
export const zipf = (size: number): Float64Array => summed(Array.from({ length: size }, (_, rank) => 1 / (rank + 1)));

/** What is counted of categories. */
export function categorySample(counts: CategoryCounts, rows: number): FeatureSample {
  return { name: 'c', rows, missing: 0, values: [], ...counts.counted };
}

/** Numbers, with so many that are missing. */
export function numberSample(values: readonly number[], missing = 0): FeatureSample {
  return { name: 'a', rows: values.length + missing, missing, values, categories: {}, otherCategories: 0 };
}

export interface Drawn {
  readonly sample: FeatureSample;
  /** How often each category was drawn. */
  readonly counts: readonly number[];
}

/** Draws categories by chances that were added up; `rows` in three hours. */
export function drawCategories(random: () => number, chances: Float64Array, rows: number): Drawn {
  const counts = new Array<number>(chances.length).fill(0);
  const parts = Array.from({ length: PARTS }, () => {
    const own = new CategoryCounts(undefined);
    for (let row = 0; row < rows / PARTS; row += 1) {
      const at = random();
      let [low, high] = [0, chances.length - 1];
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((chances[middle] ?? 0) < at) low = middle + 1;
        else high = middle;
      }
      counts[low] = (counts[low] ?? 0) + 1;
      own.add(`m${low}`);
    }
    return categorySample(own, Math.ceil(rows / PARTS));
  });
  return { sample: joined('c', parts, 0), counts };
}

/** Two sides that are alike: what is found, and what a cell for every category would say. */
export interface Chance {
  readonly found: FeatureDrift;
  readonly plain?: boolean;
}

export type Scenario = (random: () => number) => Chance;

function categories(chances: Float64Array, n: number, m: number): Scenario {
  return (random) => {
    const [own, other] = [drawCategories(random, chances, n), drawCategories(random, chances, m)];
    const cells = own.counts.map((count, at) => [count, other.counts[at] ?? 0] as const).filter(([a, b]) => a + b > 0);
    const plain = psi(cells.map(([a]) => a), cells.map(([, b]) => b)) > Math.max(PSI_MATTERS, psiNoise(cells.length, n, m));
    return { found: featureDrift(own.sample, other.sample, { reference: n, production: m }, 1), plain };
  };
}

function missing(share: number, n: number, m: number): Scenario {
  const side = (random: () => number, rows: number): FeatureSample => {
    let hits = 0;
    for (let row = 0; row < rows; row += 1) hits += Number(random() < share);
    return { ...numberSample([0.5]), rows, missing: hits, binned: { edges: [], counts: [rows - hits] } };
  };
  return (random) => ({ found: featureDrift(side(random, n), side(random, m), { reference: n, production: m }, 1) });
}

function numbers(draw: (random: () => number) => number, n: number, m: number): Scenario {
  return (random) => {
    const [own, other] = [n, m].map((size) => numberSample(Array.from({ length: size }, () => draw(random)))) as [FeatureSample, FeatureSample];
    return { found: featureDrift(own, other, { reference: n, production: m }, 1) };
  };
}

/** So many features of numbers at once; found is one that alarms, where one does. */
function features(count: number, n: number, m: number): Scenario {
  return (random) => {
    const side = (size: number): FeatureSample => numberSample(Array.from({ length: size }, () => random()));
    const all = Array.from({ length: count }, () => featureDrift(side(n), side(m), { reference: n, production: m }, count));
    const [first = assert.fail()] = all;
    return { found: all.find(({ alarm }) => alarm) ?? first };
  };
}

/** Zeros, and other numbers: half and half. */
export const zeros = (random: () => number, share = 0.5): number => (random() < share ? 0 : 100 * random());

/** By name: two sides without drift, and how many runs a test takes. */
export const CHANCE: Readonly<Record<string, { readonly scenario: Scenario; readonly runs: number }>> = {
  '3 categories, 99 and 99 units': { scenario: categories(uniform(3), 99, 99), runs: 400 },
  '200 categories, 999 and 999 units': { scenario: categories(uniform(200), 999, 999), runs: 200 },
  '500 categories, 20,000 and 2,000 units': { scenario: categories(uniform(500), 19_998, 1998), runs: 40 },
  '100 categories by Zipf, 20,000 and 1,000 units': { scenario: categories(zipf(100), 19_998, 999), runs: 40 },
  '3,000 categories, 9,000 and 6,000 units': { scenario: categories(uniform(3000), 9000, 6000), runs: 40 },
  '3,000 categories by Zipf, 3,000 and 3,000 units': { scenario: categories(zipf(3000), 3000, 3000), runs: 60 },
  '1 % missing, 100 and 100 units': { scenario: missing(0.01, 100, 100), runs: 1000 },
  '30 % missing, 100 and 100 units': { scenario: missing(0.3, 100, 100), runs: 1000 },
  '0.2 % missing, 2,000 and 50 units': { scenario: missing(0.002, 2000, 50), runs: 1000 },
  '5 % missing, 2,000 and 200 units': { scenario: missing(0.05, 2000, 200), runs: 1000 },
  'uniform numbers, 100 and 100 units': { scenario: numbers((random) => random(), 100, 100), runs: 200 },
  '95 % ones, 100 and 100 units': { scenario: numbers((random) => Number(random() < 0.95), 100, 100), runs: 200 },
  '95 % ones, 1,000 and 1,000 units': { scenario: numbers((random) => Number(random() < 0.95), 1000, 1000), runs: 200 },
  '50 % zeros, 100 and 100 units': { scenario: numbers(zeros, 100, 100), runs: 200 },
  '50 % zeros, 1,000 and 1,000 units': { scenario: numbers(zeros, 1000, 1000), runs: 200 },
  '20 features of numbers, 1,000 and 20 units': { scenario: features(20, 1000, 20), runs: 40 },
  '20 features of numbers, 1,000 and 60 units': { scenario: features(20, 1000, 60), runs: 40 },
  '20 features of numbers, 50 and 50 units': { scenario: features(20, 50, 50), runs: 100 },
  '20 features of numbers, 20 and 1,000 units': { scenario: features(20, 20, 1000), runs: 40 },
  'uniform numbers, 1,000 and 5 units': { scenario: numbers((random) => random(), 1000, 5), runs: 400 },
  'uniform numbers, 1,000 and 10 units': { scenario: numbers((random) => random(), 1000, 10), runs: 400 },
  'uniform numbers, 5,000 and 20 units': { scenario: numbers((random) => random(), 5000, 20), runs: 200 },
  'uniform numbers, 60 and 60 units': { scenario: numbers((random) => random(), 60, 60), runs: 200 },
  '50 % zeros, 2,000 and 30 units': { scenario: numbers(zeros, 2000, 30), runs: 200 },
  'geometric counts, 100 and 100 units': { scenario: numbers((random) => Math.floor(-Math.log(1 - random())), 100, 100), runs: 200 },
};

/** How many of so many pairs without drift alarm; of how many chi-squared is beyond the level; and how many would alarm by a cell for every category (undefined: there are none). */
export function chanceAlarms(scenario: Scenario, runs: number, seed: number): { readonly alarms: number; readonly significant: number; readonly plain: number | undefined } {
  const random = seeded(seed);
  let [alarms, significant, plainly] = [0, 0, 0];
  let isPlain = false;
  for (let run = 0; run < runs; run += 1) {
    const { found, plain } = scenario(random);
    alarms += Number(found.alarm);
    significant += Number((found.chiSquared?.p ?? 1) < 0.05);
    plainly += Number(plain ?? false);
    isPlain ||= plain !== undefined;
  }
  return { alarms, significant, plain: isPlain ? plainly : undefined };
}
