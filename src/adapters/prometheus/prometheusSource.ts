import { plainLine } from '../../core/base/words.ts';
import type { MetricDefinition, QualityDefinition } from '../../core/quality/definitions.ts';
import { dataOfWindows, metricsWithout, type LatencyTold } from '../../core/quality/plainData.ts';
import type { PrometheusQuery, PrometheusTarget } from '../../core/quality/prometheusTarget.ts';
import type { Moments } from '../../core/quality/stats/confidenceSequence.ts';
import type { QualityData, QualityRequest, QualitySource, QualityWindow } from '../../core/quality/window.ts';
import type { HttpClient } from '../node/httpClient.ts';
import { readCounters, type ReadRange } from './counterReader.ts';
import { ontoTotals, type Increases } from './counters.ts';
import { LatencyBuckets } from './latency.ts';
import { PrometheusClient, type Remarks } from './prometheusClient.ts';
import { readSliced, SliceChoice, type Sliced } from './slicing.ts';

const MOST_WARNINGS = 10;
/** Where the total of hits is missing since then, nothing is decided by the rest. */
const RECENT_MS = 3_600_000;

/** The counters of a metric of one arm. */
interface Counters {
  readonly total: Sliced;
  readonly hits: Sliced;
  readonly squares: Sliced | undefined;
  /** Whether hits are those that are not bad. */
  readonly isGood: boolean;
}

/** A metric by the starts of windows. */
interface Counted {
  readonly moments: ReadonlyMap<number, Moments>;
  /** The start of the newest window with hits of which the total is not known. */
  readonly lost: number | undefined;
}

interface Cell {
  readonly arm: string;
  readonly start: number;
  readonly slice: string | undefined;
  readonly metrics: Record<string, Moments>;
}

const NONE: Sliced = { whole: new Map(), slices: new Map(), without: [] };

function counted(total: Increases, hits: Increases, squares: Increases | undefined, isGood: boolean): Counted {
  const told = ontoTotals(hits, total);
  const squared = squares === undefined ? told : ontoTotals(squares, total);
  const moments = new Map<number, Moments>();
  for (const [start, n] of total) {
    if (n <= 0) continue;
    const placed = told.placed.get(start) ?? 0;
    const own = isGood ? Math.max(0, n - placed) : placed;
    moments.set(start, { n, sum: own, squares: squares === undefined ? own : squared.placed.get(start) ?? 0 });
  }
  const lost = Math.max(told.lost ?? Number.NEGATIVE_INFINITY, squared.lost ?? Number.NEGATIVE_INFINITY);
  return { moments, lost: Number.isFinite(lost) ? lost : undefined };
}

/**
 * Counters of a server that speaks Prometheus' HTTP API: Prometheus, Thanos, Mimir, VictoriaMetrics. It knows no units, so `design_effect` says how dependent requests
 * are. Slices are the values of labels, latency quantiles come from the buckets of a classic histogram. Warnings and partial answers are passed on in words, and make the data incomplete: of an error
 * counter without the total of the same server nobody may be taken back, nor go on.
 */
export class PrometheusSource implements QualitySource {
  readonly #client: PrometheusClient;
  readonly #target: PrometheusTarget;
  readonly #definition: QualityDefinition;
  readonly #environment: string;

  /** `environment`: what the windows are called; the queries select it. */
  constructor(http: HttpClient, target: PrometheusTarget, definition: QualityDefinition, environment: string) {
    this.#client = new PrometheusClient(http, target.headers);
    this.#target = target;
    this.#definition = definition;
    this.#environment = environment;
  }

  dispose(): void {
    // Nothing is kept between two reads.
  }

  async read({ now, signal, onProgress }: QualityRequest): Promise<QualityData> {
    const { windowMs, metrics } = this.#definition;
    const { arms, queries, latency, slices, lookbackMs, designEffect } = this.#target;
    const remarks: Remarks = { messages: new Set(), incomplete: undefined };
    const range: ReadRange = { from: Math.floor((now - lookbackMs) / windowMs) * windowMs, now, windowMs, signal, remarks };
    const steps = Object.keys(arms).length * (metrics.length + (latency === undefined ? 0 : 1));
    let done = 0;
    const choice = new SliceChoice();
    const cells = new Map<string, Cell>();
    for (const metric of metrics) {
      const found = new Map<string, Counters>();
      for (const [arm, label] of Object.entries(arms)) {
        const query = queries[metric.name];
        if (query !== undefined) found.set(arm, await this.#counters(query, label, range));
        onProgress?.(done += 1, steps);
      }
      choice.choose([...found.values()].map(({ total }) => total));
      for (const [arm, counters] of found) this.#count(metric, arm, counters, { choice, cells, range });
    }
    const latencies = new Map<string, LatencyTold>();
    for (const [arm, label] of latency === undefined ? [] : Object.entries(arms)) {
      latencies.set(arm, await this.#latency(label, range));
      onProgress?.(done += 1, steps);
    }
    const windows = [...cells.values()].map(({ metrics: own, ...cell }) => this.#window(cell, own));
    const without = metricsWithout(windows, metrics).map((name) => `Prometheus has no data for ${plainLine(name)}.`);
    return dataOfWindows(windows, { designEffect, messages: [...[...remarks.messages].slice(0, MOST_WARNINGS), ...choice.messages(slices), ...without], incomplete: remarks.incomplete, latencies });
  }

  #window({ arm, start, slice }: Omit<Cell, 'metrics'>, metrics: Cell['metrics']): QualityWindow {
    const requests = Math.max(...Object.values(metrics).map(({ n }) => n));
    return { arm, environment: this.#environment, service: '', start, end: start + this.#definition.windowMs, requests, units: 0, metrics, ...(slice === undefined ? {} : { slice }) };
  }

  async #counters({ total, bad, good, sum, squares }: PrometheusQuery, arm: string, range: ReadRange): Promise<Counters> {
    const ask = (query: string): Promise<Sliced> => readSliced(this.#target.slices, (groupsOf) => readCounters(this.#client, query, arm, groupsOf, range));
    const hits = bad ?? good ?? sum;
    return {
      total: await ask(total), hits: hits === undefined ? NONE : await ask(hits), squares: squares === undefined ? undefined : await ask(squares),
      isGood: bad === undefined && good !== undefined,
    };
  }

  #count({ name }: MetricDefinition, arm: string, { total, hits, squares, isGood }: Counters, { choice, cells, range: { now, remarks } }: { readonly choice: SliceChoice; readonly cells: Map<string, Cell>; readonly range: ReadRange }): void {
    const put = (slice: string | undefined, { moments }: Counted): void => {
      for (const [start, own] of moments) {
        const key = `${start} ${arm}${slice === undefined ? '' : `\n${slice}`}`;
        const cell = cells.get(key) ?? { arm, start, slice, metrics: {} };
        cell.metrics[name] = own;
        cells.set(key, cell);
      }
    };
    const whole = counted(total.whole, hits.whole, squares?.whole, isGood);
    put(undefined, whole);
    if (whole.lost !== undefined) {
      // Of a total that was not told, or is no number, nothing is known: that is no rate, and no zero either.
      const remark = `the total of ${plainLine(name)} is missing or no number for a time`;
      remarks.messages.add(`Prometheus: ${remark}: left out.`);
      // A gap of days ago must not blind a guard for as long as one looks back.
      if (whole.lost > now - RECENT_MS) remarks.incomplete ??= remark;
    }
    // A counter that does not tell slices apart would be none of each.
    const without = new Set([total, hits, squares ?? NONE].flatMap((each) => each.without));
    choice.miss(without, name, arm);
    for (const [slice, { by, increases }] of total.slices) {
      if (without.has(by) || !choice.has(slice)) continue;
      const own = counted(increases, hits.slices.get(slice)?.increases ?? new Map<number, number>(), squares?.slices.get(slice)?.increases ?? (squares === undefined ? undefined : new Map<number, number>()), isGood);
      put(slice, own);
      if (own.lost !== undefined) remarks.messages.add(`Prometheus: the total of ${plainLine(name)} is missing or no number for a time where ${plainLine(slice)}: left out.`);
    }
  }

  async #latency(arm: string, range: ReadRange): Promise<LatencyTold> {
    const { buckets = '', unitMs = 1 } = this.#target.latency ?? {};
    const found = new LatencyBuckets();
    const { messages, ...told } = found.told(await readCounters(this.#client, buckets, arm, found.groupsOf, range), unitMs, range.windowMs);
    for (const message of messages) range.remarks.messages.add(message);
    return told;
  }
}
