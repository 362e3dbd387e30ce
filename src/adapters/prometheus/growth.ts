import type { Increases } from './counters.ts';
import type { Labels, Series } from './prometheusClient.ts';
import { MISSED, processOf, targetOf, withoutReplica, type Fall, type Presence, type Restart, type Scrapes } from './scrapes.ts';

/** The group of all series. */
export const WHOLE = '';
/** For so long Prometheus itself goes by the last sample of a series. */
const HOLDS_MS = 5 * 60_000;
/** A series that has ended so long before what counts is forgotten: nothing that counts goes on with it. */
const FORGOTTEN_MS = 3_600_000;

/** A counter that was started anew has counted no more than so many times what it usually does in that time; a sum over processes of which one has ended has, as a rule. */
const MOST_SINCE = 3;
/** What a counter usually grows by is the mean of about so many samples. */
const USUAL = 8;

/** The names of all that a series counts for. */
export type Grouping = (labels: Labels) => readonly string[];

/** A series that is followed: no more is kept of its samples. */
interface Followed extends Presence {
  readonly labels: Labels;
  /** With those of who collected it first. */
  readonly asked: Labels;
  step: number | undefined;
  /** The distance of its last two samples; and of the last two distances the smaller, for one scrape may have been missed: how often it is scraped now. */
  distance: number | undefined;
  every: number | undefined;
  last: number;
  /** At `last`. */
  value: number;
  /** When it was last scraped, were it without a number. */
  scraped: number;
  /** What it usually grows by in a millisecond; known but slowly, since nobody knows for how long it had counted at `first`. */
  pace: number;
  /** See `processOf`. */
  readonly process: Labels | undefined;
  /** What it had reached at `first`. */
  readonly initial: number;
  /** Up to when windows are told. */
  told: number;
  readonly groups: readonly string[];
}

/** A series that came back at no less than it had reached: after it had missed a scrape, or where its process may have been started anew between two scrapes. */
interface Return extends Fall {
  /** What it had reached, and reached since. */
  readonly before: number;
  readonly value: number;
  /** Whether that is no more than it may have counted in that time. */
  readonly mayBeAnew: boolean;
  readonly groups: readonly string[];
  /** Undefined: it had missed a scrape. */
  readonly process: Labels | undefined;
}

/** What is known of a target while one of its series is followed. */
export interface Known {
  /** Those of another counter of it. */
  readonly scrapes?: Scrapes | undefined;
  /** Labels that tell events of a process apart. */
  readonly eventLabels: ReadonlySet<string>;
}

/** A series of a counter, and while it was there. */
export interface Counter {
  readonly labels: Labels;
  readonly first: number;
  readonly last: number;
  /** What it had reached, first and last. */
  readonly values: readonly [first: number, last: number];
}

/** What grew between two samples that are far apart. */
interface Gap {
  readonly from: number;
  readonly to: number;
  readonly grown: number;
  readonly groups: readonly string[];
}

/** From when on windows count: of all series together, and of the other groups. */
export interface CountedFrom {
  readonly from: number;
  readonly detailFrom: number;
}

/** What was scraped in a window happened before the scrape: a sample at its very start belongs to the window before. */
function startOf(at: number, windowMs: number): number {
  return (Math.ceil(at / windowMs) - 1) * windowMs;
}

function nameOf(labels: Labels): string {
  return labels['__name__'] ?? '';
}

/** Whether a series may be a sum over processes, which falls where one of them ends: recording rules have colons in their names. Some services name their own counters so, too (`vllm:request_success_total`), but those, and rules by instance, fall with their process as any counter does. */
function isSum(labels: Labels): boolean {
  return nameOf(labels).includes(':') && labels['instance'] === undefined && labels['pod'] === undefined;
}

/**
 * What counters grew by, per window, by the groups that their series are in; samples come in the order of time. A value below the one before says that the process was started anew and the counter began at 0 (as Prometheus'
 * increase does, but without its extrapolation, so that counts stay whole). Told are the windows with a number, and those that begin within five minutes after one: scrapes come when they come, and what grew meanwhile shows at the next.
 */
export class Growth {
  readonly windowMs: number;
  readonly #began: number;
  readonly #series = new Map<string, Followed>();
  readonly #groups = new Map<string, Increases>();
  /** Up to when there is something. */
  #newest = Number.NEGATIVE_INFINITY;
  /** When it last grew. */
  #grew = Number.NEGATIVE_INFINITY;
  #falls: Fall[] = [];
  #restarts: Restart[] = [];
  #returns: Return[] = [];
  #gaps: Gap[] = [];
  /** When a sum over processes fell last, by its name. */
  readonly #fallenSums = new Map<string, number>();
  /** Whether series came twice, from those that collect the same. */
  #isReplicated = false;
  /** How often samples were so many seconds apart. */
  readonly #distances = new Map<number, number>();
  #from: CountedFrom = { from: Number.NEGATIVE_INFINITY, detailFrom: Number.NEGATIVE_INFINITY };

  /** `began`: from when on samples are followed. */
  constructor(windowMs: number, began: number) {
    this.windowMs = windowMs;
    this.#began = began;
  }

  /** Another that goes on from here. */
  copy(): Growth {
    const copy = new Growth(this.windowMs, this.#began);
    [copy.#from, copy.#newest, copy.#grew] = [this.#from, this.#newest, this.#grew];
    for (const [key, each] of this.#series) copy.#series.set(key, { ...each });
    for (const [name, increases] of this.#groups) copy.#groups.set(name, new Map(increases));
    [copy.#falls, copy.#restarts, copy.#returns, copy.#gaps, copy.#isReplicated] = [[...this.#falls], [...this.#restarts], [...this.#returns], [...this.#gaps], this.#isReplicated];
    for (const [seconds, count] of this.#distances) copy.#distances.set(seconds, count);
    for (const [name, at] of this.#fallenSums) copy.#fallenSums.set(name, at);
    return copy;
  }

  /** Forgets what was before. */
  begin(from: CountedFrom): void {
    this.#from = from;
    // All series of a process fall at one time.
    this.#falls = [...new Map(this.#falls.filter(({ to }) => to >= from.from).map((fall) => [`${fall.target} ${fall.from} ${fall.to}`, fall])).values()];
    this.#restarts = [...new Map(this.#restarts.filter(({ to }) => to >= from.from).map((each) => [JSON.stringify(each), each])).values()];
    this.#returns = this.#returns.filter(({ to }) => to >= from.from);
    this.#gaps = this.#gaps.filter(({ to }) => to >= from.from);
    for (const [name, at] of this.#fallenSums) if (at < from.from) this.#fallenSums.delete(name);
    for (const [key, { scraped }] of this.#series) if (scraped < from.from - FORGOTTEN_MS) this.#series.delete(key);
    const followed = new Set([...this.#series.values()].flatMap(({ groups }) => groups));
    for (const [name, increases] of this.#groups) {
      for (const start of increases.keys()) if (start < this.#least(name)) increases.delete(start);
      if (increases.size === 0 && !followed.has(name)) this.#groups.delete(name);
    }
  }

  /** Counts samples; those that came before count no more. */
  follow({ labels: all, samples }: Series, groupsOf: Grouping, { scrapes, eventLabels }: Known = { eventLabels: new Set() }): void {
    const labels = withoutReplica(all);
    const key = JSON.stringify(Object.entries(labels).sort());
    let known = this.#series.get(key);
    this.#isReplicated ||= known !== undefined && labels !== all && JSON.stringify(known.asked) !== JSON.stringify(all);
    for (const [seconds, value] of samples) {
      const at = Math.round(seconds * 1000);
      if (at <= (known?.scraped ?? Number.NEGATIVE_INFINITY)) continue;
      this.#newest = Math.max(this.#newest, at);
      const hasMissed = known?.every !== undefined && at - known.scraped > MISSED * known.every;
      if (known !== undefined) this.#scraped(known, at);
      if (!Number.isFinite(value)) continue;
      if (known === undefined) {
        known = { labels, asked: all, target: targetOf(labels), first: at, step: undefined, distance: undefined, every: undefined, last: at, value, scraped: at, pace: 0, process: processOf(labels, eventLabels), initial: value, told: Number.NEGATIVE_INFINITY, groups: groupsOf(labels) };
        this.#series.set(key, known);
        this.#tell(known, at, 0);
        continue;
      }
      const grown = this.#grownBetween(known, { at, value, hasMissed }, scrapes);
      if (grown > 0 && hasMissed && at - known.last > HOLDS_MS) this.#gaps.push({ from: known.last, to: at, grown, groups: known.groups });
      if (grown > 0) this.#grew = Math.max(this.#grew, at);
      known.step ??= at - known.first;
      known.pace += (grown / (at - known.last) - known.pace) / USUAL;
      [known.last, known.value] = [at, value];
      this.#tell(known, at, grown);
    }
  }

  /** What a series grew by since its last sample, and what that tells of a restart. */
  #grownBetween(known: Followed, { at, value, hasMissed }: { readonly at: number; readonly value: number; readonly hasMissed: boolean }, scrapes: Scrapes | undefined): number {
    const { process, value: before, groups } = known;
    const between = { target: known.target, from: known.last, to: at };
    if (isSum(known.labels)) {
      if (value < before) this.#fallenSums.set(nameOf(known.labels), at);
      return Math.max(0, value - before);
    }
    const mayBeAnew = process !== undefined && value <= MOST_SINCE * known.pace * (at - known.last);
    if (value < before) {
      this.#falls.push(between);
      if (mayBeAnew) this.#restarts.push({ ...between, process, value });
      return value;
    }
    // One that is made by its first event, and whose process ends soon after, has one sample of each life: how often it would be scraped it does not tell.
    const wasAway = hasMissed || scrapes?.hasRestarted(between) === true;
    if (before > 0 && (wasAway || mayBeAnew || (process !== undefined && scrapes?.isRestart({ ...between, process, value, mayBeAnew }) === true))) this.#returns.push({ ...between, before, value, mayBeAnew, groups, process: wasAway ? undefined : process });
    return value - before;
  }

  /** Counts what somebody else has computed: how much there was in the window that begins then. */
  count(labels: Labels, start: number, increase: number, groupsOf: Grouping): void {
    // The window after it may not have ended yet.
    this.#newest = Math.max(this.#newest, start + 2 * this.windowMs);
    if (increase > 0) this.#grew = Math.max(this.#grew, start + this.windowMs);
    for (const name of groupsOf(labels)) this.#add(name, start, increase);
  }

  /** Tells which scrapes there were, and which restarts. */
  show(scrapes: Scrapes): void {
    for (const each of this.#series.values()) {
      scrapes.add(each);
      scrapes.ended({ ...each, step: each.every, name: nameOf(each.labels) });
    }
    for (const each of this.#falls) scrapes.fell(each);
    for (const each of this.#restarts) scrapes.restarted(each);
  }

  /**
   * Counts the first values of series that were new, and what was hidden by a restart: a counter that is made by its first event is gone with its process, and where it comes back at no less than it had reached, only
   * another counter of the process tells that it began at 0 again. So it is with one that is made when the process starts, and has counted as much as before by the next scrape. `since`: when evidence began; what grew in a gap around it may all have been before.
   */
  countFirst(scrapes: Scrapes, since: number | undefined): void {
    const isAround = ({ from, to }: Pick<Gap, 'from' | 'to'>): boolean => since !== undefined && from < since && to >= since && to - from > HOLDS_MS;
    for (const each of this.#series.values()) {
      const start = startOf(each.first, this.windowMs);
      if (each.initial > 0 && start >= this.#from.from && scrapes.isNew(each, this.#began) && !scrapes.isContinued({ ...each, name: nameOf(each.labels) })) for (const name of each.groups) this.#add(name, start, each.initial);
    }
    for (const { groups, to, grown } of this.#gaps.filter(isAround)) for (const name of groups) this.#add(name, startOf(to, this.windowMs), -grown);
    const hasBegunAnew = ({ process, ...between }: Return): boolean => (process === undefined ? scrapes.hasFallen(between) : scrapes.isRestart({ ...between, process }));
    for (const each of this.#returns) if (!isAround(each) && hasBegunAnew(each)) for (const name of each.groups) this.#add(name, startOf(each.to, this.windowMs), each.before);
  }

  get isReplicated(): boolean {
    return this.#isReplicated;
  }

  /** Names of sums over processes that have fallen: what they grew by is not known. */
  get fallenSums(): readonly string[] {
    return [...this.#fallenSums.keys()];
  }

  get grew(): number {
    return this.#grew;
  }

  /** The series that were followed. */
  get counters(): readonly Counter[] {
    return [...this.#series.values()].map(({ labels, first, last, initial, value }) => ({ labels, first, last, values: [initial, value] }));
  }

  /** When the newest sample was taken. */
  get newest(): number {
    return this.#newest;
  }

  get increases(): ReadonlyMap<string, Increases> {
    return this.#groups;
  }

  /** The median distance of samples in milliseconds, or that of now where they are scraped more seldom than before; undefined while there are too few to tell. */
  get sampledEveryMs(): number | undefined {
    const all = [...this.#distances].sort(([a], [b]) => a - b);
    const count = all.reduce((sum, [, each]) => sum + each, 0);
    let below = 0;
    return count < 3 ? undefined : Math.max(1000 * (all.find(([, each]) => (below += each) >= count / 2)?.[0] ?? 0), this.#everyNow());
  }

  /** The median of how often series are scraped that are scraped still, to the second. */
  #everyNow(): number {
    const all = [...this.#series.values()].flatMap(({ scraped, every = 0 }) => (every > 0 && this.#newest - scraped <= MISSED * every ? [every] : [])).sort((a, b) => a - b);
    return 1000 * Math.round((all[Math.floor(all.length / 2)] ?? 0) / 1000);
  }

  #scraped(series: Followed, at: number): void {
    const distance = at - series.scraped;
    const seconds = Math.round(distance / 1000);
    this.#distances.set(seconds, (this.#distances.get(seconds) ?? 0) + 1);
    [series.every, series.distance, series.scraped] = [Math.min(distance, series.distance ?? distance), distance, at];
  }

  #tell(series: Followed, at: number, grown: number): void {
    const start = startOf(at, this.windowMs);
    for (const name of series.groups) this.#add(name, start, grown);
    for (series.told = Math.max(series.told, start + this.windowMs); series.told < at + HOLDS_MS; series.told += this.windowMs) for (const name of series.groups) this.#add(name, series.told, 0);
  }

  #add(name: string, start: number, count: number): void {
    const increases = this.#groups.get(name) ?? new Map<number, number>();
    this.#groups.set(name, increases);
    if (start >= this.#least(name)) increases.set(start, (increases.get(start) ?? 0) + count);
  }

  /** From which start on windows of a group count. */
  #least(name: string): number {
    return name === WHOLE ? this.#from.from : this.#from.detailFrom;
  }
}
