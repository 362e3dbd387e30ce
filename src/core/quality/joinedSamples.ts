import { groupOf, MOST_CATEGORIES, OTHER_GROUPS } from './categoryCounts.ts';
import type { FeatureSample, Histogram } from './window.ts';

/** Names of others that are kept to be shown. */
const SOME = 10;

/** How many texts and booleans a feature had. */
export function textsIn({ categories, otherCategories }: FeatureSample): number {
  return Object.values(categories).reduce((sum, count) => sum + count, otherCategories);
}

/** How many numbers a feature had, of which `values` are a sample. */
export function numbersIn(sample: FeatureSample): number {
  return sample.rows - sample.missing - textsIn(sample);
}

/** The sum of what was counted in the same bins. */
function summed(parts: readonly FeatureSample[]): Histogram | undefined {
  const [first, ...others] = parts.flatMap(({ binned }) => binned ?? []);
  return first === undefined ? undefined : { edges: first.edges, counts: first.counts.map((count, bin) => others.reduce((sum, { counts }) => sum + (counts[bin] ?? 0), count)) };
}

/** At most `most` values. Of each part as large a share of the values as of every other one is taken, so the whole is a uniform sample again. */
function sampled(parts: readonly FeatureSample[], most: number): number[] {
  const numbers = parts.filter(({ values }) => values.length > 0).map((part) => ({ values: part.values, count: numbersIn(part) }));
  const share = Math.min(1, ...numbers.map(({ values, count }) => values.length / count), most / numbers.reduce((sum, { count }) => sum + count, 0));
  return numbers.flatMap(({ values, count }) => {
    const wanted = Math.min(values.length, Math.round(share * count));
    // Evenly over the places, for the first places of a reservoir hold the first values more often.
    return Array.from({ length: wanted }, (_, place) => values[Math.floor((place * values.length) / wanted)] ?? 0);
  });
}

/** Whether all of a category is told by its name: nothing of it is among the others. */
export function isWhole({ categories, otherCategories }: FeatureSample, name: string): boolean {
  return otherCategories === 0 || Object.hasOwn(categories, name);
}

/** Categories of several hours. One that is among the others of an hour is there of all. */
function joinedCategories(parts: readonly FeatureSample[]): Pick<FeatureSample, 'categories' | 'otherCategories' | 'others' | 'someOthers'> {
  const counts = new Map<string, number>();
  for (const { categories } of parts) for (const [name, count] of Object.entries(categories)) counts.set(name, (counts.get(name) ?? 0) + count);
  const withOthers = parts.filter(({ otherCategories }) => otherCategories > 0);
  if (withOthers.length === 0 && counts.size <= MOST_CATEGORIES) return { categories: Object.fromEntries(counts), otherCategories: 0 };
  const others = Array.from({ length: OTHER_GROUPS }, (_, group) => withOthers.reduce((sum, part) => sum + (part.others?.[group] ?? 0), 0));
  const isListed = parts.some((part) => part.isListed === true);
  const named = new Map<string, number>();
  const someOthers = parts.flatMap((part) => part.someOthers ?? []).slice(0, SOME);
  for (const [name, count] of counts) {
    // Of each hour a few are named beside those of the reference, all of which are to stay.
    const hasRoom = isListed || named.size < MOST_CATEGORIES;
    if (hasRoom && withOthers.every((part) => isWhole(part, name))) named.set(name, count);
    else others[groupOf(name)] = (others[groupOf(name)] ?? 0) + count;
    if (someOthers.length < SOME && !named.has(name)) someOthers.push(name);
  }
  return { categories: Object.fromEntries(named), otherCategories: others.reduce((sum, count) => sum + count, 0), others, ...(someOthers.length === 0 ? {} : { someOthers }) };
}

/** A feature of which each record counts as so many; the sample of its values stays. */
export function weighted(sample: FeatureSample, weight: number): FeatureSample {
  const times = (count: number): number => weight * count;
  const { binned, others, nested, numbersAsTexts } = sample;
  return {
    ...sample, rows: times(sample.rows), missing: times(sample.missing), otherCategories: times(sample.otherCategories),
    categories: Object.fromEntries(Object.entries(sample.categories).map(([name, count]) => [name, times(count)])),
    ...(binned === undefined ? {} : { binned: { edges: binned.edges, counts: binned.counts.map(times) } }), ...(others === undefined ? {} : { others: others.map(times) }),
    ...(nested === undefined ? {} : { nested: times(nested) }), ...(numbersAsTexts === undefined ? {} : { numbersAsTexts: times(numbersAsTexts) }),
  };
}

/** A feature of several hours, the parts of which were counted in the same bins or none. Bins hold all values of all hours; `values` are a uniform sample of about `most`. */
export function joined(name: string, parts: readonly FeatureSample[], most: number): FeatureSample {
  const sum = (of: (part: FeatureSample) => number | undefined): number => parts.reduce((all, part) => all + (of(part) ?? 0), 0);
  const [nested, numbersAsTexts] = [sum((part) => part.nested), sum((part) => part.numbersAsTexts)];
  const binned = summed(parts);
  return {
    name, rows: sum(({ rows }) => rows), missing: sum(({ missing }) => missing), values: sampled(parts, most), ...(binned === undefined ? {} : { binned }), ...joinedCategories(parts),
    ...(parts.some(({ isListed }) => isListed === true) ? { isListed: true } : {}), ...(nested === 0 ? {} : { nested }), ...(numbersAsTexts === 0 ? {} : { numbersAsTexts }),
  };
}
