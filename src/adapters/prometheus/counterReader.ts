import { addIncreases, type Increases, type Sample } from './counters.ts';
import type { Labels, PrometheusClient, Remarks } from './prometheusClient.ts';

const SELECTOR = /^[a-zA-Z_:][\w:]*(?:\{[^{}]*\})?$/;
/** Hours that are asked for at once: raw samples of busy servers are many. */
const CHUNK_MS = 6 * 3_600_000;
/** A series that had been there before begins within a scrape interval or two; a later one is new. */
const NEW_AFTER_MS = 2 * 60_000;

/** The names of all that a series counts for. */
export type Grouping = (labels: Labels) => readonly string[];

/** The windows from `from`, a start of one, to now. */
export interface ReadRange {
  readonly from: number;
  readonly now: number;
  readonly windowMs: number;
  readonly signal: AbortSignal;
  readonly remarks: Remarks;
}

function into(groups: Map<string, Increases>, name: string): Increases {
  const known = groups.get(name) ?? new Map<number, number>();
  groups.set(name, known);
  return known;
}

/** Evaluated per window: each number is an increase. */
async function evaluated(client: PrometheusClient, expression: string, groupsOf: Grouping, { from, now, windowMs, signal, remarks }: ReadRange): Promise<Map<string, Increases>> {
  const found = new Map<string, Increases>();
  const step = windowMs / 1000;
  const answer = await client.ask('query_range', { query: expression.replaceAll('$range', `${Math.round(step)}s`), start: String((from + windowMs) / 1000), end: String(now / 1000), step: String(step) }, signal, remarks);
  for (const { labels, samples } of answer) {
    const groups = groupsOf(labels).map((name) => into(found, name));
    for (const [seconds, increase] of samples) {
      const start = seconds * 1000 - windowMs;
      if (Number.isFinite(increase)) for (const group of groups) group.set(start, (group.get(start) ?? 0) + increase);
    }
  }
  return found;
}

/** Sample by sample. */
async function selected(client: PrometheusClient, selector: string, groupsOf: Grouping, { from, now, windowMs, signal, remarks }: ReadRange): Promise<Map<string, Increases>> {
  const whole = new Map<string, { readonly labels: Labels; readonly samples: Sample[] }>();
  for (let start = from; start < now; start += CHUNK_MS) {
    const end = Math.min(now, start + CHUNK_MS);
    for (const { labels, samples } of await client.ask('query', { query: `${selector}[${Math.ceil((end - start) / 1000)}s]`, time: String(end / 1000) }, signal, remarks)) {
      const key = JSON.stringify(Object.entries(labels).sort());
      const known = whole.get(key) ?? { labels, samples: [] };
      const last = known.samples.at(-1)?.[0] ?? 0;
      for (const sample of samples) if (sample[0] > last) known.samples.push(sample);
      whole.set(key, known);
    }
  }
  const found = new Map<string, Increases>();
  for (const { labels, samples } of whole.values()) {
    for (const name of groupsOf(labels)) addIncreases(into(found, name), samples, from + NEW_AFTER_MS, windowMs);
  }
  return found;
}

/**
 * What the counters of an arm grew by, per window, by the groups that their series are in. A plain selector is read sample by sample, so that counts are whole; anything else is evaluated by the server.
 *
 * @throws AppError
 */
export function readCounters(client: PrometheusClient, query: string, arm: string, groupsOf: Grouping, range: ReadRange): Promise<Map<string, Increases>> {
  const text = query.replaceAll('$arm', () => arm.replace(/[\\"]/g, '\\$&')).trim();
  return (SELECTOR.test(text) ? selected : evaluated)(client, text, groupsOf, range);
}
