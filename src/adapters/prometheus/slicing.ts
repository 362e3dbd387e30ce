import { plainLine } from '../../core/base/words.ts';
import { MOST_SLICES, sliceName } from '../../core/quality/slices.ts';
import type { Increases } from './counters.ts';
import { WHOLE, type Grouping } from './growth.ts';

/** A counter of an arm: all of it, and by slice. */
export interface Sliced {
  readonly whole: Increases;
  /** By name, `country = DE`, with the entry of `by` that it is a value of. */
  readonly slices: ReadonlyMap<string, { readonly by: string; readonly increases: Increases }>;
  /** The entries of `by` whose label none of the series has; nothing where there is no series. */
  readonly without: readonly string[];
}

/** The slices that the series of a counter are in. */
export class SliceGroups {
  readonly #labels: Readonly<Record<string, string>>;
  /** By name of a slice: the entry of `by`. */
  readonly #byOf = new Map<string, string>();

  /** `labels`: by the entries of `by`. */
  constructor(labels: Readonly<Record<string, string>>) {
    this.#labels = labels;
  }

  readonly groupsOf: Grouping = (own) => {
    const names = Object.entries(this.#labels).flatMap(([by, label]) => {
      const value = own[label];
      if (value === undefined) return [];
      const name = sliceName(by, value);
      this.#byOf.set(name, by);
      return [name];
    });
    return [WHOLE, ...names];
  };

  told(increases: ReadonlyMap<string, Increases>): Sliced {
    const known = new Set(this.#byOf.values());
    return {
      whole: increases.get(WHOLE) ?? new Map<number, number>(),
      slices: new Map([...this.#byOf].map(([name, by]) => [name, { by, increases: increases.get(name) ?? new Map<number, number>() }])),
      without: increases.has(WHOLE) ? Object.keys(this.#labels).filter((by) => !known.has(by)) : [],
    };
  }
}

/** Which slices are counted: `MOST_SLICES` for all metrics and arms together. */
export class SliceChoice {
  readonly #chosen = new Set<string>();
  readonly #others = new Set<string>();
  /** By the entry of `by`: what has no such label. */
  readonly #without = new Map<string, { readonly metrics: Set<string>; readonly arms: Set<string> }>();

  has(name: string): boolean {
    return this.#chosen.has(name);
  }

  /** Takes those with the most observations of one metric, over all arms, as long as there is room. */
  choose(totals: readonly Sliced[]): void {
    const counts = new Map<string, number>();
    for (const { slices } of totals) {
      for (const [name, { increases }] of slices) counts.set(name, (counts.get(name) ?? 0) + [...increases.values()].reduce((sum, count) => sum + count, 0));
    }
    for (const [name, count] of [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))) {
      if (count <= 0 || this.#chosen.has(name)) continue;
      (this.#chosen.size < MOST_SLICES ? this.#chosen : this.#others).add(name);
    }
  }

  /** Says that series of a metric have no label for some entries of `by`: no slice is told of them. */
  miss(entries: Iterable<string>, metric: string, arm: string): void {
    for (const by of entries) {
      const known = this.#without.get(by) ?? { metrics: new Set<string>(), arms: new Set<string>() };
      known.metrics.add(metric);
      known.arms.add(arm);
      this.#without.set(by, known);
    }
  }

  /** What to know of the slices, in words. `labels`: by the entries of `by`. */
  messages(labels: Readonly<Record<string, string>>): readonly string[] {
    const listed = (names: Iterable<string>): string => plainLine([...names].join(', '), 150);
    return [
      ...[...this.#without].map(([by, { metrics, arms }]) => `Prometheus: no slices by ${plainLine(by)} of ${listed(metrics)} (${listed(arms)}): the series have no label ${labels[by] ?? by}. An expression keeps it by sum by (${labels[by] ?? by}) (...).`),
      ...(this.#others.size === 0 ? [] : [`Prometheus: the ${MOST_SLICES} slices with the most observations are counted, ${this.#others.size} others are left out.`]),
    ];
  }
}
