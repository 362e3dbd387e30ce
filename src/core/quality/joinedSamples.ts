import { MOST_CATEGORIES } from './featureCollector.ts';
import type { FeatureSample, Histogram } from './window.ts';

/** How many numbers a feature had, of which `values` are a sample. */
function numbersIn({ rows, missing, otherCategories, categories }: FeatureSample): number {
  return rows - missing - otherCategories - Object.values(categories).reduce((sum, count) => sum + count, 0);
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

/** A feature of several hours, the parts of which were counted in the same bins or none. Bins hold all values of all hours; `values` are a uniform sample of about `most`. */
export function joined(name: string, parts: readonly FeatureSample[], most: number): FeatureSample {
  const categories = new Map<string, number>();
  let [rows, missing, otherCategories] = [0, 0, 0];
  for (const part of parts) {
    rows += part.rows;
    missing += part.missing;
    otherCategories += part.otherCategories;
    for (const [category, count] of Object.entries(part.categories)) {
      const known = categories.get(category);
      if (known === undefined && categories.size >= MOST_CATEGORIES) otherCategories += count;
      else categories.set(category, (known ?? 0) + count);
    }
  }
  const binned = summed(parts);
  return { name, rows, missing, values: sampled(parts, most), ...(binned === undefined ? {} : { binned }), categories: Object.fromEntries(categories), otherCategories };
}
