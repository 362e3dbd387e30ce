import { groupOf, OTHER_GROUPS } from './categoryCounts.ts';
import { isWhole, numbersIn } from './joinedSamples.ts';
import { binOf, justBelow } from './stats/driftMeasures.ts';
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

/** Cells that chance can be told of, and what is too rare for one. */
export interface Cells {
  /** In each of these at least five are expected on the smaller side, but where two are all. */
  readonly cells: Binned;
  /** Whether there are two of which one is expected to hold fewer: chi-squared would be no approximation. */
  readonly isSparse: boolean;
  /** What has no cell of its own there, on both sides, and the cells in which it has. */
  readonly rare?: { readonly reference: number; readonly production: number; readonly cells: Binned };
}

/** How many independent values each side stands for. */
export interface Sizes {
  readonly n: number;
  readonly m: number;
}

interface Cell { readonly label: string; readonly reference: number; readonly production: number }

function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}

/** How many of the smaller side are expected in a cell, were both alike. It depends on both together only, not on how they differ, so that choosing cells by it makes no difference more likely. */
function expectation({ n, m }: Sizes, reference: number, production: number): (cell: Omit<Cell, 'label'>) => number {
  return (cell) => (((reference > 0 ? (n * cell.reference) / reference : 0) + (production > 0 ? (m * cell.production) / production : 0)) / (n + m)) * Math.min(n, m);
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

/** Bins of numbers that lie side by side, of which neighbours become one. */
class Bins {
  readonly reference: number[];
  readonly production: number[];
  readonly #kept: Edge[];
  readonly #expected: (cell: Omit<Cell, 'label'>) => number;

  constructor(reference: readonly number[], production: readonly number[], edges: readonly number[], sizes: Sizes) {
    [this.reference, this.production] = [[...reference], [...production]];
    this.#kept = edges.map((at, index) => { const next = edges[index + 1]; const isBelow = next !== undefined && justBelow(next) === at; return { at, value: isBelow ? next : at, isBelow }; });
    this.#expected = expectation(sizes, sum(reference), sum(production));
  }

  get binned(): Binned {
    return { labels: this.reference.map((_, bin) => labelOf(this.#kept[bin - 1], this.#kept[bin])), reference: [...this.reference], production: [...this.production] };
  }

  get length(): number {
    return this.reference.length;
  }

  isFilled(bin: number): boolean {
    return (this.reference[bin] ?? 0) + (this.production[bin] ?? 0) > 0;
  }

  sizeOf(bin: number): number {
    return bin < 0 || bin >= this.length ? Number.POSITIVE_INFINITY : this.#expected({ reference: this.reference[bin] ?? 0, production: this.production[bin] ?? 0 });
  }

  /** Makes one of a bin and the one after it. */
  join(bin: number): void {
    for (const counts of [this.reference, this.production]) counts.splice(bin, 2, (counts[bin] ?? 0) + (counts[bin + 1] ?? 0));
    this.#kept.splice(bin, 1);
  }
}

/**
 * Numbers in the bins between edges, neighbours as one until at least five are expected in each: with few units ten bins would mostly be empty, each of which adds to PSI what drift does. Beside a value that fills a bin of its
 * own there may be bins with next to nothing in them, such as below the least. These come first, each as one with its smaller neighbour, and are told as rare: of a large reference all of production may lie in them.
 */
export function numberBins(reference: FeatureSample, production: FeatureSample, edges: readonly number[], sizes: Sizes): Cells {
  const counted = ({ values, binned }: FeatureSample): readonly number[] => {
    if (binned !== undefined && binned.edges.length === edges.length && binned.edges.every((edge, index) => edge === edges[index])) return binned.counts;
    const counts = new Array<number>(edges.length + 1).fill(0);
    for (const value of values) counts[binOf(edges, value)] = (counts[binOf(edges, value)] ?? 0) + 1;
    return counts;
  };
  const bins = new Bins(counted(reference), counted(production), edges, sizes);
  const { binned } = bins;
  const numbered = (): number[] => bins.reference.map((_, bin) => bin);
  const all = sum(binned.reference);
  // Of the reference, too: bins between its quantiles are none that happen to hold less of production.
  const isRare = (bin: number): boolean => (bins.reference[bin] ?? 0) < all / (2 * BINS) && bins.sizeOf(bin) < Math.min(LEAST_EXPECTED, Math.min(sizes.n, sizes.m) / (2 * BINS));
  const rare = numbered().filter((bin) => isRare(bin) && bins.isFilled(bin));
  for (;;) {
    const isTwo = numbered().filter((bin) => bins.isFilled(bin)).length <= 2;
    const next = numbered().filter((bin) => isRare(bin) && !(isTwo && bins.isFilled(bin))).sort((one, other) => bins.sizeOf(one) - bins.sizeOf(other))[0];
    if (next === undefined || bins.length < 2) break;
    bins.join(bins.sizeOf(next - 1) <= bins.sizeOf(next + 1) ? next - 1 : next);
  }
  const isApart = bins.length < binned.reference.filter((_, bin) => (binned.reference[bin] ?? 0) + (binned.production[bin] ?? 0) > 0).length;
  for (let bin = 0; bin < bins.length && bins.length > 2;) {
    if (bins.sizeOf(bin) >= LEAST_EXPECTED) bin += 1;
    else bins.join(Math.min(bin, bins.length - 2));
  }
  const of = (counts: readonly number[]): number => rare.reduce((all, bin) => all + (counts[bin] ?? 0), 0);
  return {
    cells: bins.binned, isSparse: numbered().some((bin) => bins.sizeOf(bin) < LEAST_EXPECTED),
    ...(isApart && rare.length > 0 ? { rare: { reference: of(binned.reference), production: of(binned.production), cells: binned } } : {}),
  };
}

/** Whether it is known of each value of production whether the reference has it. */
export function isUnseenKnown(reference: FeatureSample, production: FeatureSample): boolean {
  return reference.otherCategories === 0 && (production.otherCategories === 0 || production.isListed === true);
}

/**
 * A cell for each category of which at least five are expected on either side; those of which fewer are, in groups by a hash of their names, as many groups as still hold five each. Numbers among texts are one of the
 * categories, where they were not counted as texts.
 */
export function categoryBins(reference: FeatureSample, production: FeatureSample, sizes: Sizes): Cells {
  const [numbers, counts] = [[reference, production].map(numbersIn), [reference, production].map(({ categories }) => sum(Object.values(categories)))];
  const totals = [reference, production].map(({ otherCategories }, side) => (numbers[side] ?? 0) + (counts[side] ?? 0) + otherCategories);
  const expected = expectation(sizes, totals[0] ?? 0, totals[1] ?? 0);
  const least = isUnseenKnown(reference, production) ? LEAST_EXPECTED : Math.max(LEAST_EXPECTED, SURELY_NAMED * Math.min(sizes.n, sizes.m));
  const countOf = ({ categories }: FeatureSample, name: string): number => (Object.hasOwn(categories, name) ? categories[name] ?? 0 : 0);
  const own: Cell[] = [];
  const names = [...new Set([...Object.keys(reference.categories), ...Object.keys(production.categories)])].sort();
  const cells = names.map((name) => ({ name, isWhole: isWhole(reference, name) && isWhole(production, name), label: name, reference: countOf(reference, name), production: countOf(production, name) }));
  const groups = Array.from({ length: OTHER_GROUPS }, (_, group) => ({ reference: reference.others?.[group] ?? 0, production: production.others?.[group] ?? 0 }));
  const grouped: string[] = groups.some((group) => group.reference + group.production > 0) ? ['others'] : [];
  for (const { name, isWhole: isOwn, ...cell } of [...cells, { name: 'numbers', isWhole: true, label: 'numbers', reference: numbers[0] ?? 0, production: numbers[1] ?? 0 }]) {
    const group = groups[groupOf(name)];
    if (isOwn && expected(cell) >= least) {
      own.push(cell);
    } else if (group !== undefined && cell.reference + cell.production > 0) {
      grouped.push(name);
      group.reference += cell.reference;
      group.production += cell.production;
    }
  }
  const [first = 'others'] = grouped;
  return joinedGroups(own, groups, grouped.length === 1 ? first : 'others', expected);
}

/** Cells with groups, halved in number until each holds enough. Where all of them together do not, they are the second of two cells, or one with the smallest, and rare. */
function joinedGroups(own: readonly Cell[], groups: readonly Omit<Cell, 'label'>[], name: string, expected: (cell: Omit<Cell, 'label'>) => number): Cells {
  let found = groups;
  const filled = (): Omit<Cell, 'label'>[] => found.filter((cell) => cell.reference + cell.production > 0);
  while (found.length > 1 && filled().some((cell) => expected(cell) < LEAST_EXPECTED)) {
    const half = found.length / 2;
    found = found.slice(0, half).map((cell, group) => ({ reference: cell.reference + (found[group + half]?.reference ?? 0), production: cell.production + (found[group + half]?.production ?? 0) }));
  }
  const others = filled().map((cell, index, all): Cell => ({ ...cell, label: all.length === 1 ? name : `others, group ${index + 1} of ${all.length}` }));
  const [only] = others;
  const smallest = [...own].sort((a, b) => expected(a) - expected(b))[0];
  const cells = [...own, ...others];
  if (others.length !== 1 || only === undefined || smallest === undefined || own.length === 1 || expected(only) >= LEAST_EXPECTED) return { cells: cellsOf(cells), isSparse: cells.some((cell) => expected(cell) < LEAST_EXPECTED) };
  const joined = own.map((cell) => (cell === smallest ? { label: `${cell.label} and others`, reference: cell.reference + only.reference, production: cell.production + only.production } : cell));
  return { cells: cellsOf(joined), isSparse: joined.some((cell) => expected(cell) < LEAST_EXPECTED), rare: { reference: only.reference, production: only.production, cells: cellsOf(cells) } };
}

function cellsOf(cells: readonly Cell[]): Binned {
  return { labels: cells.map(({ label }) => label), reference: cells.map((cell) => cell.reference), production: cells.map((cell) => cell.production) };
}
