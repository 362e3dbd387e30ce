import { groupOf, OTHER_GROUPS } from './categoryCounts.ts';
import { isWhole, numbersIn } from './joinedSamples.ts';
import { binOf, justBelow, psi, PSI_MATTERS } from './stats/driftMeasures.ts';
import { clopperPearson } from './stats/intervals.ts';
import type { FeatureSample } from './window.ts';

export const BINS = 10;
/** Cells in which fewer are expected than this tell nothing by themselves: chi-squared would not be what the sums are compared with (Cochran, Annals of Mathematical Statistics 23, 1952). */
const LEAST_EXPECTED = 5;
/** Where names are known only in part, those are rare enough to have been missed that have less than this share. */
const SURELY_NAMED = 0.01;

/** Counts of both sides in the same bins. */
export interface Binned {
  readonly labels: readonly string[];
  readonly reference: readonly number[];
  readonly production: readonly number[];
}

/** How many independent values each side stands for, and the level of a feature. */
export interface Sizes {
  readonly n: number;
  readonly m: number;
  readonly level: number;
}

interface Cell { readonly label: string; readonly reference: number; readonly production: number }

function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}

/** How many of the smaller side are expected in a cell, were both alike. It depends on both together only, not on how they differ, so that choosing cells by it makes no difference more likely. */
function expectation({ n, m }: Sizes, reference: number, production: number): (cell: Omit<Cell, 'label'>) => number {
  return (cell) => (((reference > 0 ? (n * cell.reference) / reference : 0) + (production > 0 ? (m * cell.production) / production : 0)) / (n + m)) * Math.min(n, m);
}

/**
 * Whether the shares of a cell differ so much that it matters, and for certain: by exact intervals (Clopper and Pearson) of half of the level each, of one cell among so many. Such a one is no cell to be joined with others, however few are expected in it:
 * what the reference hardly has is expected nowhere where the reference is much larger, and be it all of production.
 */
function differs({ n, m, level }: Sizes, reference: number, production: number, cells: number): (cell: Omit<Cell, 'label'>) => boolean {
  const confidence = 1 - level / (2 * Math.max(1, cells));
  return (cell) => {
    const [a, b] = [reference > 0 ? cell.reference / reference : 0, production > 0 ? cell.production / production : 0];
    if (!(psi([1 - a, a], [1 - b, b]) > PSI_MATTERS)) return false;
    const [own, other] = [clopperPearson(a * n, n, confidence), clopperPearson(b * m, m, confidence)];
    return own.high < other.low || other.high < own.low;
  };
}

function shown(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** Inner edges with the number that a bin's label names: of an edge just below a repeated value that value, which the bin below does not hold. */
interface Edge { readonly at: number; readonly value: number; readonly isBelow: boolean }

function labelOf(low: Edge | undefined, high: Edge | undefined): string {
  if (low === undefined) return high === undefined ? 'all' : `${high.isBelow ? '<' : '<='} ${shown(high.value)}`;
  if (high === undefined) return `${low.isBelow ? '>=' : '>'} ${shown(low.value)}`;
  if (low.isBelow && !high.isBelow && low.value === high.value) return `= ${shown(high.value)}`;
  return `${shown(low.value)} to ${high.isBelow ? 'below ' : ''}${shown(high.value)}`;
}

/**
 * Numbers in the bins between edges. Beside a value that fills a bin of its own there may be bins with next to nothing in them, such as below the least: where fewer than five are expected in such a one, it is
 * one with its smaller neighbour.
 */
export function numberBins(reference: FeatureSample, production: FeatureSample, edges: readonly number[], sizes: Sizes): Binned {
  const counted = ({ values, binned }: FeatureSample): number[] => {
    if (binned !== undefined && binned.edges.length === edges.length && binned.edges.every((edge, index) => edge === edges[index])) return [...binned.counts];
    const counts = new Array<number>(edges.length + 1).fill(0);
    for (const value of values) counts[binOf(edges, value)] = (counts[binOf(edges, value)] ?? 0) + 1;
    return counts;
  };
  const [a, b] = [counted(reference), counted(production)];
  const kept: Edge[] = edges.map((at, index) => { const next = edges[index + 1]; const isBelow = next !== undefined && justBelow(next) === at; return { at, value: isBelow ? next : at, isBelow }; });
  const all = sum(a);
  const expected = expectation(sizes, all, sum(b));
  const sizeOf = (bin: number): number => expected({ reference: a[bin] ?? 0, production: b[bin] ?? 0 });
  const isApart = differs(sizes, all, sum(b), a.length);
  for (;;) {
    const sparse = a.map((_, bin) => bin).filter((bin) => (a[bin] ?? 0) < all / (2 * BINS) && sizeOf(bin) < LEAST_EXPECTED && !isApart({ reference: a[bin] ?? 0, production: b[bin] ?? 0 })).sort((one, other) => sizeOf(one) - sizeOf(other))[0];
    if (sparse === undefined || a.length < 2) break;
    const first = sparse === 0 ? 0 : sparse === a.length - 1 || sizeOf(sparse - 1) <= sizeOf(sparse + 1) ? sparse - 1 : sparse;
    for (const counts of [a, b]) counts.splice(first, 2, (counts[first] ?? 0) + (counts[first + 1] ?? 0));
    kept.splice(first, 1);
  }
  return { labels: a.map((_, bin) => labelOf(kept[bin - 1], kept[bin])), reference: a, production: b };
}

/** Whether it is known of each value of production whether the reference has it. */
export function isUnseenKnown(reference: FeatureSample, production: FeatureSample): boolean {
  return reference.otherCategories === 0 && (production.otherCategories === 0 || production.isListed === true);
}

/**
 * A cell for each category of which at least five are expected on either side, or whose shares differ for certain; those of which fewer are, in groups by a hash of their names, as many groups as still hold five each. Numbers among texts are one of the
 * categories, where they were not counted as texts.
 */
export function categoryBins(reference: FeatureSample, production: FeatureSample, sizes: Sizes): Binned {
  const [numbers, counts] = [[reference, production].map(numbersIn), [reference, production].map(({ categories }) => sum(Object.values(categories)))];
  const totals = [reference, production].map(({ otherCategories }, side) => (numbers[side] ?? 0) + (counts[side] ?? 0) + otherCategories);
  const expected = expectation(sizes, totals[0] ?? 0, totals[1] ?? 0);
  const least = isUnseenKnown(reference, production) ? LEAST_EXPECTED : Math.max(LEAST_EXPECTED, SURELY_NAMED * Math.min(sizes.n, sizes.m));
  const countOf = ({ categories }: FeatureSample, name: string): number => (Object.hasOwn(categories, name) ? categories[name] ?? 0 : 0);
  const own: Cell[] = [];
  const names = [...new Set([...Object.keys(reference.categories), ...Object.keys(production.categories)])].sort();
  const cells = names.map((name) => ({ name, isWhole: isWhole(reference, name) && isWhole(production, name), label: name, reference: countOf(reference, name), production: countOf(production, name) }));
  const isApart = differs(sizes, totals[0] ?? 0, totals[1] ?? 0, cells.length + 1);
  const groups = Array.from({ length: OTHER_GROUPS }, (_, group) => ({ reference: reference.others?.[group] ?? 0, production: production.others?.[group] ?? 0 }));
  for (const { name, isWhole: isOwn, ...cell } of [...cells, { name: 'numbers', isWhole: true, label: 'numbers', reference: numbers[0] ?? 0, production: numbers[1] ?? 0 }]) {
    const group = groups[groupOf(name)];
    if (isOwn && (expected(cell) >= least || isApart(cell))) {
      own.push(cell);
    } else if (group !== undefined) {
      group.reference += cell.reference;
      group.production += cell.production;
    }
  }
  return cellsOf(joinedGroups(own, groups, expected, differs(sizes, totals[0] ?? 0, totals[1] ?? 0, 1)));
}

/** Cells with groups, halved in number until each holds enough. */
function joinedGroups(own: readonly Cell[], groups: readonly Omit<Cell, 'label'>[], expected: (cell: Omit<Cell, 'label'>) => number, isApart: (cell: Cell) => boolean): readonly Cell[] {
  let found = groups;
  const filled = (): Omit<Cell, 'label'>[] => found.filter((cell) => cell.reference + cell.production > 0);
  while (found.length > 1 && filled().some((cell) => expected(cell) < LEAST_EXPECTED)) {
    const half = found.length / 2;
    found = found.slice(0, half).map((cell, group) => ({ reference: cell.reference + (found[group + half]?.reference ?? 0), production: cell.production + (found[group + half]?.production ?? 0) }));
  }
  const others = filled().map((cell, index, all): Cell => ({ ...cell, label: all.length === 1 ? 'others' : `others, group ${index + 1} of ${all.length}` }));
  const [only] = others;
  const smallest = [...own].sort((a, b) => expected(a) - expected(b))[0];
  if (others.length !== 1 || only === undefined || smallest === undefined || expected(only) >= LEAST_EXPECTED || isApart(only)) return [...own, ...others];
  return own.map((cell) => (cell === smallest ? { label: `${cell.label} and others`, reference: cell.reference + only.reference, production: cell.production + only.production } : cell));
}

function cellsOf(cells: readonly Cell[]): Binned {
  return { labels: cells.map(({ label }) => label), reference: cells.map((cell) => cell.reference), production: cells.map((cell) => cell.production) };
}
