import * as z from 'zod';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import type { MetricDefinition, PrometheusQuery, PrometheusTarget, QualityDefinition } from '../../core/quality/definitions.ts';
import { dataOfWindows, metricsWithout } from '../../core/quality/plainData.ts';
import type { Moments } from '../../core/quality/stats/confidenceSequence.ts';
import type { QualityData, QualityRequest, QualitySource, QualityWindow } from '../../core/quality/window.ts';
import type { HttpClient } from '../node/httpClient.ts';
import { addIncreases, ontoTotals, type Increases, type Sample } from './counters.ts';

const SELECTOR = /^[a-zA-Z_:][\w:]*(?:\{[^{}]*\})?$/;
/** Hours that are asked for at once: raw samples of busy servers are many. */
const CHUNK_MS = 6 * 3_600_000;
const MOST_WARNINGS = 10;
/** Where the total of hits is missing since then, nothing is decided by the rest. */
const RECENT_MS = 3_600_000;
/** Prometheus before 2.51 told these among the warnings; they say nothing of missing data. */
const INFO = 'PromQL info';

const value = z.tuple([z.number(), z.string()]);
const answerSchema = z.object({
  status: z.string(),
  error: z.string().optional(),
  warnings: z.array(z.string()).optional(),
  infos: z.array(z.string()).optional(),
  isPartial: z.boolean().optional(),
  data: z.object({ resultType: z.string(), result: z.array(z.object({ metric: z.record(z.string(), z.string()), values: z.array(value).optional(), value: value.optional() })) }).optional(),
});

/** What a server said beside its numbers. */
interface Remarks {
  readonly messages: Set<string>;
  /** Why its numbers are not all. */
  incomplete: string | undefined;
}

interface Told {
  readonly series: readonly { readonly key: string; readonly samples: readonly Sample[] }[];
}

/**
 * Counters of a server that speaks Prometheus' HTTP API: Prometheus, Thanos, Mimir, VictoriaMetrics. It knows no units, so `design_effect` says how dependent requests
 * are. Warnings and partial answers are passed on in words, and make the data incomplete: of an error counter without the total of the same server nobody may be taken back, nor go on.
 */
export class PrometheusSource implements QualitySource {
  readonly #http: HttpClient;
  readonly #target: PrometheusTarget;
  readonly #definition: QualityDefinition;
  readonly #environment: string;

  /** `environment`: what the windows are called; the queries select it. */
  constructor(http: HttpClient, target: PrometheusTarget, definition: QualityDefinition, environment: string) {
    this.#http = http;
    this.#target = target;
    this.#definition = definition;
    this.#environment = environment;
  }

  dispose(): void {
    // Nothing is kept between two reads.
  }

  async read({ now, signal, onProgress }: QualityRequest): Promise<QualityData> {
    const { windowMs, metrics } = this.#definition;
    const from = Math.floor((now - this.#target.lookbackMs) / windowMs) * windowMs;
    const remarks: Remarks = { messages: new Set(), incomplete: undefined };
    const windows: QualityWindow[] = [];
    const arms = Object.entries(this.#target.arms);
    let done = 0;
    for (const [arm, label] of arms) {
      const found = new Map<number, Record<string, Moments>>();
      for (const metric of metrics) {
        const query = this.#target.queries[metric.name];
        if (query !== undefined) await this.#metric(metric, query, label, { from, now, signal, remarks }, found);
        done += 1;
        onProgress?.(done, arms.length * metrics.length);
      }
      for (const [start, own] of found) {
        windows.push({ arm, environment: this.#environment, service: '', start, end: start + windowMs, requests: Math.max(...Object.values(own).map(({ n }) => n)), units: 0, metrics: own });
      }
    }
    const without = metricsWithout(windows, metrics).map((name) => `Prometheus has no data for ${plainLine(name)}.`);
    return dataOfWindows(windows, this.#target.designEffect, [...[...remarks.messages].slice(0, MOST_WARNINGS), ...without], remarks.incomplete);
  }

  async #metric({ name }: MetricDefinition, { total, bad, good, sum, squares }: PrometheusQuery, arm: string, range: { readonly from: number; readonly now: number; readonly signal: AbortSignal; readonly remarks: Remarks }, found: Map<number, Record<string, Moments>>): Promise<void> {
    const ask = async (query: string | undefined): Promise<Increases> => (query === undefined ? new Map() : await this.#increases(query, arm, range));
    const counted = await ask(total);
    const hits = ontoTotals(await ask(bad ?? good ?? sum), counted);
    const squared = squares === undefined ? hits : ontoTotals(await ask(squares), counted);
    const lost = Math.max(hits.lost ?? Number.NEGATIVE_INFINITY, squared.lost ?? Number.NEGATIVE_INFINITY);
    if (Number.isFinite(lost)) {
      // Of a total that was not told, or is no number, nothing is known: that is no rate, and no zero either.
      const remark = `the total of ${plainLine(name)} is missing or no number for a time`;
      range.remarks.messages.add(`Prometheus: ${remark}: left out.`);
      // A gap of days ago must not blind a guard for as long as one looks back.
      if (lost > range.now - RECENT_MS) range.remarks.incomplete ??= remark;
    }
    for (const [start, n] of counted) {
      if (n <= 0) continue;
      const told = hits.placed.get(start) ?? 0;
      const own = bad === undefined && good !== undefined ? Math.max(0, n - told) : told;
      const moments = { n, sum: own, squares: squares === undefined ? own : squared.placed.get(start) ?? 0 };
      found.set(start, { ...found.get(start), [name]: moments });
    }
  }

  async #increases(query: string, arm: string, { from, now, signal, remarks }: { readonly from: number; readonly now: number; readonly signal: AbortSignal; readonly remarks: Remarks }): Promise<Increases> {
    const { windowMs } = this.#definition;
    const increases: Increases = new Map();
    const text = query.replaceAll('$arm', arm.replace(/[\\"]/g, '\\$&')).trim();
    if (!SELECTOR.test(text)) {
      const { series } = await this.#ask('query_range', { query: text.replaceAll('$range', `${Math.round(windowMs / 1000)}s`), start: String((from + windowMs) / 1000), end: String(now / 1000), step: String(windowMs / 1000) }, signal, remarks);
      for (const { samples } of series) for (const [seconds, increase] of samples) if (Number.isFinite(increase)) increases.set(seconds * 1000 - windowMs, (increases.get(seconds * 1000 - windowMs) ?? 0) + increase);
      return increases;
    }
    const whole = new Map<string, Sample[]>();
    for (let start = from; start < now; start += CHUNK_MS) {
      const end = Math.min(now, start + CHUNK_MS);
      const { series } = await this.#ask('query', { query: `${text}[${Math.ceil((end - start) / 1000)}s]`, time: String(end / 1000) }, signal, remarks);
      for (const { key, samples } of series) {
        const known = whole.get(key) ?? [];
        const last = known.at(-1)?.[0] ?? 0;
        known.push(...samples.filter(([seconds]) => seconds > last));
        whole.set(key, known);
      }
    }
    // A series that had been there before begins within a scrape interval or two; a later one is new.
    for (const samples of whole.values()) addIncreases(increases, samples, from + 2 * 60_000, windowMs);
    return increases;
  }

  async #ask(path: 'query' | 'query_range', parameters: Readonly<Record<string, string>>, signal: AbortSignal, remarks: Remarks): Promise<Told> {
    const { status, text } = await this.#http.send({ method: 'GET', path: `/api/v1/${path}?${new URLSearchParams(parameters).toString()}`, headers: this.#target.headers, signal, timeoutMs: 60_000 });
    if (status === 401 && /no org id/i.test(text)) throw new AppError('auth', `${this.#http.origin} asks for a tenant: add tenant: to source.prometheus in modelswitch.yaml.`);
    if (status === 401) throw new AppError('auth', `${this.#http.origin} asks for a sign-in: set PROMETHEUS_URL to it and PROMETHEUS_TOKEN.`);
    if (status === 403) throw new AppError('forbidden', `${this.#http.origin} refuses the query.`);
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      throw new AppError('validation', `${this.#http.origin} does not answer as Prometheus does (status ${status}): check source.prometheus.url.`);
    }
    const parsed = answerSchema.safeParse(json);
    if (!parsed.success) throw new AppError('validation', `${this.#http.origin} does not answer as Prometheus does: check source.prometheus.url.`);
    const { data, error, isPartial, warnings = [], infos = [] } = parsed.data;
    const inWords = [...warnings, ...(isPartial === true ? ['the answer is partial'] : [])];
    for (const remark of [...inWords, ...infos]) remarks.messages.add(`Prometheus: ${plainLine(remark, 200)}`);
    remarks.incomplete ??= inWords.find((remark) => !remark.startsWith(INFO));
    if (data === undefined) throw new AppError('validation', `Prometheus refuses the query ${plainLine(parameters['query'] ?? '', 200)}: ${plainLine(error ?? `status ${status}`, 300)}`);
    return { series: data.result.map(({ metric, values, value: single }) => ({ key: JSON.stringify(Object.entries(metric).sort()), samples: (values ?? (single === undefined ? [] : [single])).map(([seconds, written]): Sample => [seconds, Number(written)]) })) };
  }
}
