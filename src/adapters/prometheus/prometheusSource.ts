import { durationWords } from '../../core/base/duration.ts';
import { plainLine, utcTime } from '../../core/base/words.ts';
import type { MetricDefinition, QualityDefinition } from '../../core/quality/definitions.ts';
import { dataOfWindows, metricsWithout, type LatencyTold } from '../../core/quality/plainData.ts';
import type { PrometheusQuery, PrometheusTarget } from '../../core/quality/prometheusTarget.ts';
import type { Moments } from '../../core/quality/stats/confidenceSequence.ts';
import { matchersOf, withoutComments } from '../../core/quality/promql.ts';
import { isYesOrNo } from '../../core/quality/tolerances.ts';
import type { QualityData, QualityRequest, QualitySource, QualityWindow } from '../../core/quality/window.ts';
import type { HttpClient } from '../node/httpClient.ts';
import { CounterReader, SETTLED_MS, type ReadRange } from './counterReader.ts';
import { ranDuring, unbounded, unboundedWords, type Unbounded } from './boundaries.ts';
import { counted, type Counted } from './counted.ts';
import { doubtsOf, doubtsOfFallen, fallenWords, untoldWords, type Untold } from './untold.ts';
import { inWider, type Increases } from './counters.ts';
import type { Growth } from './growth.ts';
import { LatencyBuckets } from './latency.ts';
import { PrometheusClient, type Remarks } from './prometheusClient.ts';
import { Scrapes } from './scrapes.ts';
import { SliceChoice, SliceGroups, type Sliced } from './slicing.ts';

const MOST_WARNINGS = 10;
/** Where the total of hits is missing since then, nothing is decided by the rest. */
const RECENT_MS = 3_600_000;
/** So much evidence is read where it began before `lookback`. */
const EVIDENCE_MS = 30 * 86_400_000;
/** So many of an arm are told at most. */
const MOST_EVENTS = { ratio: 1.1, more: 10 } as const;
/** Scrapes do not come to the millisecond. */
const JITTER = 1.1;

/** The counters of a metric of one arm. */
interface Counters {
  readonly total: Sliced;
  readonly hits: Sliced;
  readonly squares: Sliced | undefined;
  /** Whether hits are those that are not bad. */
  readonly isGood: boolean;
  /** Processes that are not among them. */
  readonly unbounded: readonly Unbounded[];
}

interface Cell {
  readonly arm: string;
  readonly start: number;
  readonly slice: string | undefined;
  readonly metrics: Record<string, Moments>;
}

/** A query of an arm that is followed from one read to the next. */
interface Followed<Groups> {
  readonly reader: CounterReader;
  readonly groups: Groups;
}

/** What was read of all queries, by what is asked. */
type Grown = ReadonlyMap<string, Growth>;

const NONE: Sliced = { whole: new Map(), slices: new Map(), without: [] };

/** Whether events are no more than all; extrapolation may tell some too many. */
function isPart({ moments }: Counted): boolean {
  const [n, events] = [...moments.values()].reduce(([all, some], { n: each, sum }) => [all + each, some + sum], [0, 0]);
  return events <= MOST_EVENTS.ratio * n + MOST_EVENTS.more;
}

/** Whether nothing was told of bad events, which may be none. */
function isUntold({ total, hits, isGood }: Counters): boolean {
  return !isGood && hits.whole.size === 0 && [...total.whole.values()].some((n) => n > 0);
}

function forArm(query: string, label: string): string {
  return withoutComments(query).replaceAll('$arm', () => label.replace(/[\\"]/g, '\\$&'));
}

/**
 * Counters of a server that speaks Prometheus' HTTP API: Prometheus, Thanos, Mimir, VictoriaMetrics. It knows no units, so `design_effect` says how dependent requests
 * are. Slices are the values of labels, latency quantiles come from the buckets of a classic histogram. Warnings and partial answers are passed on in words, and make the data incomplete: of an error
 * counter without the total of the same server nobody may be taken back, nor go on. What was read is kept in memory as what it adds up to, so that the next read asks for what is new.
 */
export class PrometheusSource implements QualitySource {
  readonly #client: PrometheusClient;
  readonly #target: PrometheusTarget;
  readonly #definition: QualityDefinition;
  readonly #environment: string;
  /** By query. */
  readonly #counters = new Map<string, Followed<SliceGroups>>();
  /** By arm. */
  readonly #latencies = new Map<string, Followed<LatencyBuckets>>();
  /** The earliest that anybody has asked for. */
  #since = Number.POSITIVE_INFINITY;
  #aheadMs = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** `environment`: what the windows are called; the queries select it. */
  constructor(http: HttpClient, target: PrometheusTarget, definition: QualityDefinition, environment: string) {
    this.#client = new PrometheusClient(http, target.headers);
    this.#target = target;
    this.#definition = definition;
    this.#environment = environment;
  }

  dispose(): void {
    this.#counters.clear();
    this.#latencies.clear();
  }

  /** One read after another: they share what was read before. */
  read(request: QualityRequest): Promise<QualityData> {
    const reading = this.#last.then(() => this.#read(request));
    this.#last = reading.catch(() => undefined);
    return reading;
  }

  async #read(request: QualityRequest): Promise<QualityData> {
    const { metrics } = this.#definition;
    const { arms, slices, designEffect } = this.#target;
    const range = this.#range(request);
    const grown = await this.#grown(range, request.onProgress);
    const windowMs = this.#windowMs(grown, range);
    const untold: Untold[] = [];
    const fallen = new Map(metrics.map(({ name }) => [name, this.#fallen(name, grown)]));
    const fell = fallenWords([...fallen.values(), ...Object.keys(arms).map((arm) => grown.get(latencyKey(arm))?.fallenSums ?? [])].flat());
    if (fell !== undefined) range.remarks.messages.add(fell);
    const counting = { choice: new SliceChoice(), cells: new Map<string, Cell>(), windowMs, range };
    for (const metric of metrics) {
      const found = Object.entries(arms).flatMap(([arm, label]): [string, Counters][] => {
        const query = this.#target.queries[metric.name];
        return query === undefined ? [] : [[arm, this.#countersOf(query, label, grown, windowMs)]];
      });
      counting.choice.choose(found.map(([, { total }]) => total));
      for (const [arm, counters] of found) this.#count(metric, arm, counters, counting);
      untold.push({ metric: metric.name, arms: isYesOrNo(metric) ? found.filter(([, counters]) => isUntold(counters)).map(([arm]) => arm) : [] });
    }
    const latencies = new Map([...this.#latencies].flatMap(([arm, { groups }]): [string, LatencyTold][] => {
      const { messages, ...told } = groups.told(increasesOf(grown.get(latencyKey(arm)), windowMs), this.#target.latency?.unitMs ?? 1, windowMs);
      for (const message of messages) range.remarks.messages.add(message);
      return [[arm, told]];
    }));
    const windows = [...counting.cells.values()].map(({ metrics: own, ...cell }) => this.#window(cell, own, windowMs));
    const without = metricsWithout(windows, metrics).map((name) => `Prometheus has no data for ${plainLine(name)}.`);
    return dataOfWindows(windows, { designEffect, hasOwnTotals: true, messages: [...[...range.remarks.messages].slice(0, MOST_WARNINGS), ...counting.choice.messages(slices), ...without, ...untoldWords(untold)], doubts: { ...doubtsOf(untold), ...doubtsOfFallen(fallen) }, seen: (arm) => this.#seen(arm, grown, range.now), incomplete: range.remarks.incomplete, latencies });
  }

  /** All that is evidence, within bounds, and before it what was told when it began; slices and latency, which decide nothing and are many, of `lookback`. */
  #range({ now, since, from = since, signal }: QualityRequest): ReadRange {
    const { windowMs } = this.#definition;
    const { lookbackMs } = this.#target;
    const mostMs = Math.max(lookbackMs, EVIDENCE_MS);
    if (since !== undefined && from !== undefined) this.#since = Math.min(this.#since, since, Math.max(from, since - lookbackMs));
    const starting = (at: number): number => Math.floor(at / windowMs) * windowMs;
    const remarks: Remarks = { messages: new Set(), incomplete: undefined };
    if (since !== undefined && since < now - mostMs) remarks.messages.add(`Prometheus: evidence began ${utcTime(since)}, of which the last ${durationWords(mostMs)} are read: more by lookback of source.prometheus.`);
    return { from: starting(Math.max(now - mostMs, Math.min(now - lookbackMs, this.#since))), detailFrom: starting(now - lookbackMs), since, aheadMs: this.#aheadMs, now, windowMs, signal, remarks };
  }

  /** Reads every query once. What is new can be told when all of them are known. */
  async #grown(range: ReadRange, onProgress: QualityRequest['onProgress']): Promise<Grown> {
    const { queries, latency, arms, slices } = this.#target;
    const asked: { readonly key: string; readonly reader: CounterReader; readonly range: ReadRange; readonly total?: string }[] = [];
    for (const [arm, label] of Object.entries(arms)) {
      for (const { name } of this.#definition.metrics) {
        // The total comes first: it tells of restarts that others do not show.
        const { total = '', ...others } = queries[name] ?? {};
        for (const query of total === '' ? [] : [total, ...Object.values(others)]) {
          const text = forArm(query, label);
          const groups = new SliceGroups(slices);
          const followed = this.#counters.get(text) ?? { groups, reader: new CounterReader(this.#client, text, groups.groupsOf) };
          this.#counters.set(text, followed);
          asked.push({ key: text, reader: followed.reader, range, total: forArm(total, label) });
        }
      }
      if (latency === undefined) continue;
      const groups = new LatencyBuckets();
      const followed = this.#latencies.get(arm) ?? { groups, reader: new CounterReader(this.#client, forArm(latency.buckets, label), groups.groupsOf) };
      this.#latencies.set(arm, followed);
      asked.push({ key: latencyKey(arm), reader: followed.reader, range: { ...range, from: range.detailFrom } });
    }
    const grown = new Map<string, Growth>();
    const restarts = new Map<string, Scrapes>();
    const eventLabels = eventLabelsOf(this.#target);
    for (const [index, { key, reader, range: own, total = '' }] of asked.entries()) {
      if (!grown.has(key)) grown.set(key, await reader.read(own, { scrapes: restarts.get(total), eventLabels }));
      if (key === total && !restarts.has(key)) restarts.set(key, scrapesOf(grown.get(key)));
      onProgress?.(index + 1, asked.length);
    }
    this.#settle(grown, asked.map(({ reader }) => reader), range);
    const scrapes = new Scrapes();
    for (const each of grown.values()) each.show(scrapes);
    for (const each of grown.values()) each.countFirst(scrapes, range.since);
    if ([...grown.values()].some(({ isReplicated }) => isReplicated)) range.remarks.messages.add('Prometheus: series of one instance differ by replica or prometheus_replica alone, so they are counted once: let the server deduplicate them, for of expressions that is not known.');
    return grown;
  }

  /** Names of sums that fell, of those that a metric is counted by in either arm. */
  #fallen(metric: string, grown: Grown): readonly string[] {
    const texts = Object.values(this.#target.arms).flatMap((label) => Object.values(this.#target.queries[metric] ?? {}).map((query: string) => forArm(query, label)));
    return [...new Set(texts.flatMap((text) => grown.get(text)?.fallenSums ?? []))];
  }

  /** Up to when an arm is known to have answered: when a total last grew, until the next scrape is due. Windows may be of hours. */
  #seen(arm: string, grown: Grown, now: number): number {
    const label = this.#target.arms[arm] ?? arm;
    const seen = Math.max(...this.#totals(label, grown).map(({ grew, sampledEveryMs = 0 }) => grew + sampledEveryMs));
    return Number.isFinite(seen) ? Math.min(now, seen) : now;
  }

  #totals(label: string, grown: Grown): readonly Growth[] {
    return Object.values(this.#target.queries).flatMap(({ total }) => grown.get(forArm(total, label)) ?? []);
  }

  /** Where now is far ahead of every sample, be it that a clock is wrong or that nothing is scraped, what was not there yet is not settled. */
  #settle(grown: Grown, readers: readonly CounterReader[], { now, aheadMs }: ReadRange): void {
    const newest = Math.max(...[...grown.values()].map((growth) => growth.newest));
    if (newest < now - aheadMs - SETTLED_MS) for (const reader of readers) reader.takeBack();
    this.#aheadMs = Number.isFinite(newest) && newest < now - SETTLED_MS ? now - newest : 0;
  }

  /** Windows that hold a scrape each: where both arms are scraped seldom, at different times, shorter ones would hold one arm or the other, and nothing could be compared. By the totals alone: a counter that its first event makes is away until then, and not scraped seldom. */
  #windowMs(grown: Grown, { windowMs, remarks }: ReadRange): number {
    const everyMs = Math.max(0, ...Object.values(this.#target.arms).flatMap((label) => this.#totals(label, grown)).map(({ sampledEveryMs }) => sampledEveryMs ?? 0));
    if (everyMs <= JITTER * windowMs) return windowMs;
    const wideMs = Math.ceil(everyMs / JITTER / windowMs) * windowMs;
    remarks.messages.add(`Prometheus: it is scraped every ${durationWords(everyMs)}, so windows are of ${durationWords(wideMs)}, not of ${durationWords(windowMs)} (window:).`);
    return wideMs;
  }

  #window({ arm, start, slice }: Omit<Cell, 'metrics'>, metrics: Cell['metrics'], windowMs: number): QualityWindow {
    const requests = Math.max(...Object.values(metrics).map(({ n }) => n));
    return { arm, environment: this.#environment, service: '', start, end: start + windowMs, requests, units: 0, metrics, ...(slice === undefined ? {} : { slice }) };
  }

  #countersOf({ total, bad, good, sum, squares }: PrometheusQuery, label: string, grown: Grown, windowMs: number): Counters {
    const told = (query: string): Sliced => {
      const text = forArm(query, label);
      return this.#counters.get(text)?.groups.told(increasesOf(grown.get(text), windowMs)) ?? NONE;
    };
    const hits = bad ?? good ?? sum;
    return { total: told(total), hits: hits === undefined ? NONE : told(hits), squares: squares === undefined ? undefined : told(squares), isGood: bad === undefined && good !== undefined, unbounded: good === undefined ? [] : unbounded(grown.get(forArm(total, label)), grown.get(forArm(good, label))) };
  }

  #count(metric: MetricDefinition, arm: string, { total, hits, squares, isGood, unbounded: partial }: Counters, { choice, cells, windowMs, range: { now, windowMs: leastMs, remarks } }: { readonly windowMs: number; readonly choice: SliceChoice; readonly cells: Map<string, Cell>; readonly range: ReadRange }): void {
    const { name } = metric;
    const put = (slice: string | undefined, { moments }: Counted): void => {
      for (const [start, own] of moments) {
        const key = `${start} ${arm}${slice === undefined ? '' : `\n${slice}`}`;
        const cell = cells.get(key) ?? { arm, start, slice, metrics: {} };
        cell.metrics[name] = own;
        cells.set(key, cell);
      }
    };
    const how = { isGood, isYesOrNo: isYesOrNo(metric), ended: now - leastMs, isPartial: (start: number) => ranDuring(partial, start, start + windowMs) };
    if (partial.length > 0) remarks.messages.add(unboundedWords(partial, name, arm));
    const whole = counted(total.whole, hits.whole, squares?.whole, how);
    if (how.isYesOrNo && !isPart(whole)) {
      remarks.messages.add(`Prometheus: more events of ${plainLine(name)} (${arm}) are told than there were in all, so they are no part of total: left out.`);
      return;
    }
    put(undefined, whole);
    for (const [what, lost] of whole.lost) {
      // Of what was not told, or is no number, nothing is known: that is no rate, and no zero either.
      const remark = `the ${what} of ${plainLine(name)} is missing or no number for a time`;
      remarks.messages.add(`Prometheus: ${remark}: left out.`);
      // A gap of days ago must not blind a guard for as long as one looks back, nor one of what only holds the ramp.
      if (metric.role === 'guardrail' && lost > now - RECENT_MS) remarks.incomplete ??= remark;
    }
    // A counter that does not tell slices apart would be none of each.
    const without = new Set([total, hits, squares ?? NONE].flatMap((each) => each.without));
    choice.miss(without, name, arm);
    for (const [slice, { by, increases }] of total.slices) {
      if (without.has(by) || !choice.has(slice)) continue;
      const own = counted(increases, hits.slices.get(slice)?.increases ?? new Map<number, number>(), squares?.slices.get(slice)?.increases ?? (squares === undefined ? undefined : new Map<number, number>()), how);
      put(slice, own);
      for (const what of own.lost.keys()) remarks.messages.add(`Prometheus: the ${what} of ${plainLine(name)} is missing or no number for a time where ${plainLine(slice)}: left out.`);
    }
  }
}

/** The labels that tell events of a process apart: those of slices, and those by which a part of a total is selected. */
function eventLabelsOf({ queries, slices }: PrometheusTarget): ReadonlySet<string> {
  const selected = Object.values(queries).flatMap(({ total, ...parts }) => {
    const whole = matchersOf(total);
    return Object.values(parts).flatMap((part: string) => [...matchersOf(part)].filter(([matcher]) => !whole.has(matcher)).map(([, label]) => label));
  });
  return new Set([...Object.values(slices), ...selected]);
}

function scrapesOf(growth: Growth | undefined): Scrapes {
  const scrapes = new Scrapes();
  growth?.show(scrapes);
  return scrapes;
}

/** No query is called so. */
function latencyKey(arm: string): string {
  return `\n${arm}`;
}

function increasesOf(growth: Growth | undefined, windowMs: number): ReadonlyMap<string, Increases> {
  if (growth?.windowMs === windowMs) return growth.increases;
  return new Map([...growth?.increases ?? []].map(([name, increases]) => [name, inWider(increases, windowMs)]));
}
