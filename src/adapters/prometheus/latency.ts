import { NO_HISTOGRAM } from '../../core/quality/histogram.ts';
import type { LatencyTold } from '../../core/quality/plainData.ts';
import { sumOfStretches } from '../../core/quality/stretches.ts';
import type { ArmStretch } from '../../core/quality/window.ts';
import type { Increases } from './counters.ts';
import type { Grouping } from './growth.ts';

/** What the buckets of one process, or of one sum, grew by, by their boundaries. */
type Buckets = ReadonlyMap<number, Increases>;

const NO_COUNTS = new Uint32Array(0);

/** `le` as Prometheus writes it: 0.5, 1e-3, +Inf. */
function boundary(text: string): number {
  return text === '+Inf' ? Number.POSITIVE_INFINITY : text.trim() === '' ? Number.NaN : Number(text);
}

function isCounted(buckets: Buckets): boolean {
  return [...buckets.values()].some((increases) => [...increases.values()].some((count) => count > 0));
}

/** The boundaries that all have. */
function shared(all: readonly Buckets[]): number[] {
  const [first = new Map<number, Increases>(), ...others] = all;
  return [...first.keys()].filter((edge) => Number.isFinite(edge) && others.every((other) => other.has(edge))).sort((a, b) => a - b);
}

/**
 * How many there are in each bin up to the end of each window. A bucket holds those below its own boundary and above the one before; what a scrape or a server left out of one shows in the next one. What
 * is told of a bucket late was not in the next one after all, and is not counted there.
 */
function binned(buckets: Buckets, edges: readonly number[], starts: readonly number[]): number[][] {
  const all = [...edges, Number.POSITIVE_INFINITY];
  const cumulative = all.map(() => 0);
  const bins = starts.map((start) => {
    let below = 0;
    return all.map((edge, index) => {
      const upTo = (cumulative[index] ?? 0) + (buckets.get(edge)?.get(start) ?? 0);
      cumulative[index] = upTo;
      const own = Math.max(0, upTo - below);
      below = Math.max(below, upTo);
      return own;
    });
  });
  for (let place = bins.length - 2; place >= 0; place -= 1) {
    for (const [bin, count] of bins[place + 1]?.entries() ?? []) {
      const own = bins[place];
      if (own !== undefined) own[bin] = Math.min(own[bin] ?? 0, count);
    }
  }
  return bins;
}

/** What came in each window, whole numbers, of which the sum is off by less than one: an expression of the server tells fractions. */
function perWindow(bins: readonly (readonly number[])[], starts: readonly number[], windowMs: number): ArmStretch[] {
  const whole = bins.map((counts) => counts.map(Math.round));
  return whole.flatMap((counts, place): ArmStretch[] => {
    const own = counts.map((count, bin) => count - (whole[place - 1]?.[bin] ?? 0));
    const start = starts[place] ?? 0;
    return own.every((count) => count === 0) ? [] : [{ start, end: start + windowMs, latency: Uint32Array.from(own), score: NO_COUNTS, labelledScore: NO_COUNTS, scoreOfPositives: NO_COUNTS, matured: 0, labelled: 0 }];
  });
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

  /** In milliseconds, with what to know of it in words. `increases`: of the groups; `unitMs`: how many milliseconds the unit of the boundaries is. */
  told(increases: ReadonlyMap<string, Increases>, unitMs: number, windowMs: number): LatencyTold & { readonly messages: readonly string[] } {
    const byProcess = new Map<string, Map<number, Increases>>();
    for (const [name, { process, le }] of this.#groups) {
      const own = increases.get(name);
      // It ended before what counts.
      if (own === undefined) continue;
      const buckets = byProcess.get(process) ?? new Map<number, Increases>();
      byProcess.set(process, buckets);
      buckets.set(le, own);
    }
    const counted = [...byProcess.values()].filter(isCounted);
    const ended = counted.filter((buckets) => buckets.has(Number.POSITIVE_INFINITY));
    const edges = shared(ended);
    const messages = this.#messages(counted, ended, edges.length);
    if (edges.length === 0) return { latency: NO_HISTOGRAM, stretches: [], messages };
    const starts = [...new Set(ended.flatMap((buckets) => [...buckets.values()].flatMap((own) => [...own.keys()])))].sort((a, b) => a - b);
    const bins = starts.map(() => new Array<number>(edges.length + 1).fill(0));
    for (const buckets of ended) {
      for (const [place, counts] of binned(buckets, edges, starts).entries()) {
        const into = bins[place];
        if (into !== undefined) for (const [bin, count] of counts.entries()) into[bin] = (into[bin] ?? 0) + count;
      }
    }
    const stretches = perWindow(bins, starts, windowMs);
    return { stretches, latency: sumOfStretches(stretches, { latency: edges.map((edge) => edge * unitMs), score: [], ranked: [] }).latency, messages };
  }

  #messages(counted: readonly Buckets[], ended: readonly Buckets[], edges: number): readonly string[] {
    const most = Math.max(0, ...ended.map((buckets) => buckets.size - 1));
    return [
      ...(this.#withoutLe ? ['Prometheus: series of latency.buckets have no label le, so they are left out: it must name the _bucket series of a classic histogram.'] : []),
      ...(ended.length < counted.length ? ['Prometheus: series of latency.buckets have no bucket le="+Inf", so they are left out: it must name all buckets.'] : []),
      ...(edges < most ? [`Prometheus: the series of latency.buckets have different boundaries: quantiles go by the ${edges} that all of them have.`] : []),
    ];
  }
}
