import type { Labels } from './prometheusClient.ts';

/** A series while it was there. Times are milliseconds since 1970. */
export interface Presence {
  /** What was scraped with it. */
  readonly target: string;
  readonly first: number;
  /** The distance of its first two samples; undefined while there is one. */
  readonly step: number | undefined;
  readonly last: number;
}

/** A series of a metric that was there until then. */
export interface Ended {
  readonly target: string;
  readonly name: string;
  readonly step: number | undefined;
  readonly last: number;
  /** What it had reached. */
  readonly value: number;
}

/** Labels of those that collect the same twice, for safety. */
const REPLICA_LABELS: readonly string[] = ['replica', 'prometheus_replica'];

/** Labels that Prometheus, or whoever collects from several, gives to all series of a target alike. */
const TARGET_LABELS = ['cluster', 'namespace', 'job', 'instance', 'pod', 'replica', 'prometheus', 'prometheus_replica'] as const;
/** Samples of one scrape have one time, so a series that had been there would have come a scrape earlier; a tenth is for jitter. */
const SAME_SCRAPE = 0.9;
/** Without a target, or before a series was asked for, nobody knows which scrape it missed: anything may be half as late again. */
const ANY_SCRAPE = 1.5;

/** Between two samples a process was started anew: a counter fell. */
export interface Fall {
  readonly target: string;
  /** When the last sample before was taken, and the first after. */
  readonly from: number;
  readonly to: number;
}

/** A fall after which a counter had reached no more than it may have counted since: its process was started anew. */
export interface Restart extends Fall {
  /** As `processOf` tells it. */
  readonly process: Labels;
  /** What the counter had reached by the second sample. */
  readonly value: number;
}

/** So many times its distance after the sample before, a series has missed a scrape. */
export const MISSED = 1.5;

const NO_INSTANCE = 'any ';

/** Labels without who collected: of one instance that is the same series. Without an instance a replica may be a process. */
export function withoutReplica(labels: Labels): Labels {
  return labels['instance'] === undefined || !REPLICA_LABELS.some((name) => name in labels) ? labels : Object.fromEntries(Object.entries(labels).filter(([name]) => !REPLICA_LABELS.includes(name)));
}

export function targetOf(labels: Labels): string {
  const known = JSON.stringify(TARGET_LABELS.map((name) => labels[name] ?? null));
  // Only series of one metric are then taken to come from one place.
  return labels['instance'] === undefined ? `${NO_INSTANCE}${labels['__name__'] ?? ''} ${known}` : known;
}

/**
 * The labels of a series by which several processes of its target, were there any, would differ. `eventLabels`: those that tell events apart. Undefined where nobody knows which counters are of one process: without an instance, or
 * exposed by somebody else, who keeps them when their process has ended (a Pushgateway).
 */
export function processOf(labels: Labels, eventLabels: ReadonlySet<string>): Labels | undefined {
  if (labels['instance'] === undefined || labels['exported_job'] !== undefined || labels['exported_instance'] !== undefined) return undefined;
  return Object.fromEntries(Object.entries(labels).filter(([name]) => name !== '__name__' && name !== 'le' && !eventLabels.has(name)));
}

/**
 * Which scrapes there were, by the series that were read. The first value of a series is what happened since the scrape before if others of its target were scraped then, and are scraped still: it is
 * new. Else it has been counting for nobody knows how long: scraping was interrupted, has just begun, or all labels have changed.
 */
export class Scrapes {
  /** By target; those that were there at the same times say the same, and a process has thousands. */
  readonly #present = new Map<string, Map<string, Presence>>();
  /** By target and metric, and by when they ended: that which had reached least. */
  readonly #ended = new Map<string, Map<number, Ended>>();
  readonly #fallen = new Map<string, Map<string, Fall>>();
  /** Processes that were started anew, by target and samples. */
  readonly #restarts = new Map<string, Restart[]>();
  /** By target how long the shortest of them took: most samples lie nearer to each other than any that could hold one and another scrape. */
  readonly #shortest = new Map<string, number>();

  add(series: Presence): void {
    const known = this.#present.get(series.target) ?? new Map<string, Presence>();
    this.#present.set(series.target, known);
    known.set(`${series.first} ${series.step} ${series.last}`, series);
  }

  ended(series: Ended): void {
    // One at 0 is there for what may come: nothing goes on with it.
    if (series.value <= 0) return;
    const key = `${series.target} ${series.name}`;
    const known = this.#ended.get(key) ?? new Map<number, Ended>();
    this.#ended.set(key, known);
    if ((known.get(series.last)?.value ?? Number.POSITIVE_INFINITY) > series.value) known.set(series.last, series);
  }

  /** Whether a series that begins goes on with one of its metric that ended a scrape before, at no more: its labels have changed, and the process has not. */
  isContinued({ target, name, first, step, initial }: { readonly target: string; readonly name: string; readonly first: number; readonly step: number | undefined; readonly initial: number }): boolean {
    for (const { last, value, step: own } of this.#ended.get(`${target} ${name}`)?.values() ?? []) {
      const most = ANY_SCRAPE * (own ?? step ?? 0);
      if (last < first && first - last <= most && value <= initial && !this.hasFallen({ target, from: last, to: first })) return true;
    }
    return false;
  }

  fell(fall: Fall): void {
    const known = this.#fallen.get(fall.target) ?? new Map<string, Fall>();
    this.#fallen.set(fall.target, known);
    known.set(`${fall.from} ${fall.to}`, fall);
    this.#shortest.set(fall.target, Math.min(fall.to - fall.from, this.#shortest.get(fall.target) ?? Number.POSITIVE_INFINITY));
  }

  restarted(restart: Restart): void {
    const key = betweenOf(restart);
    const known = this.#restarts.get(key) ?? [];
    this.#restarts.set(key, known);
    known.push(restart);
  }

  /**
   * Whether the process of a series was started anew between these very samples: a counter of the target fell that has no other labels, where both have them, and either the series may have counted since what it has reached (`mayBeAnew`), or the other one
   * has reached as much since. One that was reset by itself (`clear()`, a model that is loaded anew) has reached less than a part of it that went on.
   */
  isRestart({ process, value, mayBeAnew, ...between }: Restart & { readonly mayBeAnew: boolean }): boolean {
    return this.#restarts.get(betweenOf(between))?.some((fallen) => (mayBeAnew || value <= fallen.value) && Object.entries(fallen.process).every(([name, label]) => (process[name] ?? label) === label)) === true;
  }

  /** Whether the process of a target was started anew between two samples of a series, which was missing in a scrape meanwhile: another of its counters was scraped then, and fell. */
  hasRestarted({ target, from, to }: Fall): boolean {
    const shortest = this.#shortest.get(target);
    if (shortest === undefined || to - from <= MISSED * shortest) return false;
    for (const fall of this.#fallen.get(target)?.values() ?? []) if (fall.from >= from && fall.to <= to && to - from > MISSED * (fall.to - fall.from)) return true;
    return false;
  }

  /** Whether the process of a target was started anew between these samples, by what another of its counters did. */
  hasFallen({ target, from, to }: Fall): boolean {
    for (const fall of this.#fallen.get(target)?.values() ?? []) if (fall.from >= from && fall.to <= to) return true;
    return false;
  }

  /** Whether a series was not there yet when its target was scraped before. `began`: since when it has been asked for; others may have been read from before that. Its own step may be longer than that of scrapes, where it is gone with its process. */
  isNew({ target, first, step }: Presence, began: number): boolean {
    for (const other of this.#present.get(target)?.values() ?? []) {
      if (other.last < first || other.step === undefined) continue;
      const own = step ?? other.step;
      const least = target.startsWith(NO_INSTANCE) || other.first < began ? ANY_SCRAPE * own : SAME_SCRAPE * Math.min(own, other.step);
      if (Math.max(other.first, began) <= first - least) return true;
    }
    return false;
  }
}

function betweenOf({ target, from, to }: Fall): string {
  return `${target} ${from} ${to}`;
}
