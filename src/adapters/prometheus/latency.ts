import { NO_HISTOGRAM } from '../../core/quality/histogram.ts';
import type { Histogram } from '../../core/quality/window.ts';
import type { Grouping } from './counterReader.ts';
import type { Increases } from './counters.ts';

/** How many observations of the series of one process, or of one sum, were at or below each boundary. */
type Cumulative = ReadonlyMap<number, number>;

/** `le` as Prometheus writes it: 0.5, 1e-3, +Inf. */
function boundary(text: string): number {
  return text === '+Inf' ? Number.POSITIVE_INFINITY : text.trim() === '' ? Number.NaN : Number(text);
}

/** Each bucket holds those below its own boundary and above the one before. What a scrape or a server left out of a bucket shows in the next one. */
function binned(cumulative: Cumulative, edges: readonly number[]): number[] {
  let below = 0;
  return [...edges, Number.POSITIVE_INFINITY].map((edge) => {
    const upTo = Math.max(below, cumulative.get(edge) ?? 0);
    const own = upTo - below;
    below = upTo;
    return own;
  });
}

/** The boundaries that all have. */
function shared(all: readonly Cumulative[]): number[] {
  const [first = new Map<number, number>(), ...others] = all;
  return [...first.keys()].filter((edge) => Number.isFinite(edge) && others.every((other) => other.has(edge))).sort((a, b) => a - b);
}

/** Collects the buckets of a classic histogram of latencies of one arm. */
export class LatencyBuckets {
  readonly #groups = new Map<string, { readonly process: string; readonly le: number }>();
  #withoutLe = false;

  /** A group for each bucket of each process: those of several are only added where they end at the same boundary. */
  readonly groupsOf: Grouping = ({ le, ...others }) => {
    const at = boundary(le ?? '');
    if (Number.isNaN(at)) {
      this.#withoutLe = true;
      return [];
    }
    const process = JSON.stringify(Object.entries(others).sort());
    const name = `${at} ${process}`;
    this.#groups.set(name, { process, le: at });
    return [name];
  };

  /** In milliseconds, of all windows together, with what to know of it in words. `unitMs`: how many milliseconds the unit of the boundaries is. */
  histogram(increases: ReadonlyMap<string, Increases>, unitMs: number): { readonly histogram: Histogram; readonly messages: readonly string[] } {
    const byProcess = new Map<string, Map<number, number>>();
    for (const [name, { process, le }] of this.#groups) {
      const cumulative = byProcess.get(process) ?? new Map<number, number>();
      byProcess.set(process, cumulative);
      cumulative.set(le, [...increases.get(name)?.values() ?? []].reduce((sum, count) => sum + count, 0));
    }
    const counted = [...byProcess.values()].filter((cumulative) => [...cumulative.values()].some((count) => count > 0));
    const ended = counted.filter((cumulative) => cumulative.has(Number.POSITIVE_INFINITY));
    const edges = shared(ended);
    const most = Math.max(0, ...ended.map((cumulative) => cumulative.size - 1));
    const messages = [
      ...(this.#withoutLe ? ['Prometheus: series of latency.buckets have no label le, so they are left out: it must name the _bucket series of a classic histogram.'] : []),
      ...(ended.length < counted.length ? ['Prometheus: series of latency.buckets have no bucket le="+Inf", so they are left out: it must name all buckets.'] : []),
      ...(edges.length < most ? [`Prometheus: the series of latency.buckets have different boundaries: quantiles go by the ${edges.length} that all of them have.`] : []),
    ];
    if (edges.length === 0) return { histogram: NO_HISTOGRAM, messages };
    const bins = ended.map((cumulative) => binned(cumulative, edges));
    return {
      histogram: { edges: edges.map((edge) => edge * unitMs), counts: Array.from({ length: edges.length + 1 }, (_, bin) => bins.reduce((sum, own) => sum + (own[bin] ?? 0), 0)) },
      messages,
    };
  }
}
