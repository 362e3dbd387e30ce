import { AppError } from '../../core/base/errors.ts';
import { isSelector, queryProblem } from '../../core/quality/promql.ts';
import { Growth, type CountedFrom, type Grouping, type Known } from './growth.ts';
import type { PrometheusClient, Remarks, Series } from './prometheusClient.ts';

const HOUR_MS = 3_600_000;
/** Raw samples of busy servers are many: an answer is to have no more of them than these, nor many less. */
const SAMPLES = { few: 15_000, many: 60_000 } as const;
const SPAN_MS = { first: HOUR_MS, least: 5 * 60_000, most: 48 * HOUR_MS } as const;
/** Prometheus evaluates at most 11,000 times for one answer. */
const WINDOWS_AT_ONCE = 5000;
/** What came before is not asked for again: servers that collect from others have it by then. */
export const SETTLED_MS = 10 * 60_000;

/** The windows from `from`, a start of one, to now. */
export interface ReadRange extends CountedFrom {
  /** By how much now is ahead of the server's samples, as far as is known. */
  readonly aheadMs: number;
  /** When evidence began, where that is known. */
  readonly since: number | undefined;
  readonly now: number;
  readonly windowMs: number;
  readonly signal: AbortSignal;
  readonly remarks: Remarks;
}

/** What was read of a query, up to a time from which on it is read anew. */
interface Kept {
  readonly from: number;
  readonly growth: Growth;
  to: number;
  spanMs: number;
  /** More the server does not answer at once. */
  mostMs: number;
}

interface Answer {
  readonly series: readonly Series[];
  readonly isWhole: boolean;
}

/** Reads one query of one arm; the next read goes on from the last one. */
export class CounterReader {
  readonly #client: PrometheusClient;
  readonly #query: string;
  readonly #groupsOf: Grouping;
  #kept: Kept | undefined;
  /** As it was before the last read. */
  #before: Kept | undefined;

  /** `query`: with `$arm` replaced. */
  constructor(client: PrometheusClient, query: string, groupsOf: Grouping) {
    this.#client = client;
    this.#query = query;
    this.#groupsOf = groupsOf;
  }

  /**
   * What counters grew by. A plain selector is read sample by sample, so that counts are whole; anything else is evaluated by the server.
   *
   * @param told as `Growth.follow` has it
   * @throws AppError validation for what tells no counts
   */
  async read(range: ReadRange, told: Known): Promise<Growth> {
    const problem = queryProblem(this.#query);
    if (problem !== undefined) throw new AppError('validation', `Prometheus is not asked: ${problem}.`);
    this.#before = this.#kept === undefined ? undefined : { ...this.#kept, growth: this.#kept.growth.copy() };
    const kept = this.#begun(range);
    const isRaw = isSelector(this.#query);
    const settled = floorTo(range.now - range.aheadMs - SETTLED_MS, isRaw ? 1000 : range.windowMs);
    // Where a part is missing, it is asked for again, and so is all that came after it.
    let reading: Growth | undefined;
    for (let at = kept.to; at < range.now;) {
      const isPast = at < settled;
      const mostMs = isRaw ? kept.spanMs : WINDOWS_AT_ONCE * range.windowMs;
      const to = isPast ? Math.min(settled, at + mostMs) : isRaw ? Math.min(range.now, at + mostMs) : range.now;
      const answer = await (isRaw ? this.#samples(at, to, range) : this.#windows(at, to, range)).catch((error: unknown) => {
        if (!isRaw || !isTooMuch(error) || kept.spanMs <= SPAN_MS.least) throw error;
        return undefined;
      });
      if (answer === undefined) {
        kept.mostMs = kept.spanMs = Math.max(SPAN_MS.least, Math.min(kept.spanMs, to - at) / 2);
        continue;
      }
      if (reading === undefined && !(isPast && answer.isWhole)) reading = kept.growth.copy();
      for (const each of answer.series) this.#count(each, reading ?? kept.growth, { isRaw, windowMs: range.windowMs, told });
      if (reading === undefined) kept.to = to;
      if (isPast) kept.spanMs = Math.min(kept.mostMs, nextSpan(kept.spanMs, answer.series));
      at = to;
    }
    return reading ?? kept.growth.copy();
  }

  /** Takes the last read for none: what it found empty was not there yet. */
  takeBack(): void {
    this.#kept = this.#before;
  }

  /** What there is, where it reaches back far enough and leaves no gap. */
  #begun({ from, detailFrom, windowMs, now }: ReadRange): Kept {
    if (this.#kept === undefined || from < this.#kept.from || from > this.#kept.to || now < this.#kept.to) this.#kept = { from, growth: new Growth(windowMs, from), to: from, spanMs: SPAN_MS.first, mostMs: SPAN_MS.most };
    else this.#kept = { ...this.#kept, from };
    this.#kept.growth.begin({ from, detailFrom });
    return this.#kept;
  }

  #count({ labels, samples }: Series, into: Growth, { isRaw, windowMs, told }: { readonly isRaw: boolean; readonly windowMs: number; readonly told: Known }): void {
    if (isRaw) into.follow({ labels, samples }, this.#groupsOf, told);
    else for (const [seconds, increase] of samples) if (Number.isFinite(increase)) into.count(labels, Math.round(seconds * 1000) - windowMs, increase, this.#groupsOf);
  }

  #samples(from: number, to: number, range: ReadRange): Promise<Answer> {
    return this.#ask('query', { query: `${this.#query}[${Math.ceil((to - from) / 1000)}s]`, time: String(to / 1000) }, range);
  }

  #windows(from: number, to: number, range: ReadRange): Promise<Answer> {
    // None of them has ended.
    if (from + range.windowMs > to) return Promise.resolve({ series: [], isWhole: true });
    const step = range.windowMs / 1000;
    return this.#ask('query_range', { query: this.#query.replaceAll('$range', `${Math.round(step)}s`), start: String((from + range.windowMs) / 1000), end: String(to / 1000), step: String(step) }, range);
  }

  async #ask(path: 'query' | 'query_range', parameters: Readonly<Record<string, string>>, { signal, remarks }: ReadRange): Promise<Answer> {
    const own: Remarks = { messages: remarks.messages, incomplete: undefined };
    const series = await this.#client.ask(path, parameters, signal, own);
    remarks.incomplete ??= own.incomplete;
    return { series, isWhole: own.incomplete === undefined };
  }
}

/** Whether a question was about more samples than the server counts for one answer, or than fit into an answer: of less time it is none. */
function isTooMuch(error: unknown): boolean {
  return error instanceof AppError && (error.data['reason'] === 'tooLarge' || error.data['reason'] === 'tooMany');
}

function floorTo(at: number, unitMs: number): number {
  return Math.floor(at / unitMs) * unitMs;
}

function nextSpan(spanMs: number, series: readonly Series[]): number {
  const count = series.reduce((sum, { samples }) => sum + samples.length, 0);
  if (count > SAMPLES.many) return Math.max(SPAN_MS.least, spanMs / 2);
  return count < SAMPLES.few ? Math.min(SPAN_MS.most, spanMs * 2) : spanMs;
}
