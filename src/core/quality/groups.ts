import { ArmCollector, type SavedArm } from './armCollector.ts';
import { RowList } from './batch.ts';
import type { QualityDefinition } from './definitions.ts';
import type { LabelSlot } from './labelSlots.ts';
import { LabelDelays, type SavedDelays } from './labelDelay.ts';
import { LEAST_VARIANCE } from './stats/confidenceSequence.ts';
import { dispersionBound, type UnitSums } from './stats/dispersion.ts';
import { SliceWidths, type SavedWidths } from './sliceWidths.ts';
import { isOfAPart } from './toldShare.ts';
import type { Units } from './units.ts';
import type { ArmSummary, QualityWindow, UnitsBefore } from './window.ts';

export interface WindowState {
  readonly start: number;
  readonly slice: string | undefined;
  requests: number;
  /** With those that `where` leaves out. */
  served: number;
  units: number;
  /** Those of them that were followed: each may stand for several. */
  drawn: number;
  /** n, sum, squares per metric; then, where metrics need outcomes, how many predictions have matured, and per slot how many of them are labelled; last, where precision or recall is asked for, how many are decided. */
  readonly sums: Float64Array;
}

/** An arm of an environment, in all services: whom it serves. A unit that comes to a second service is the same unit. */
export interface Audience {
  readonly number: number;
  readonly environment: string;
  readonly arm: string;
  readonly collector: ArmCollector;
  readonly delays: LabelDelays;
  /** Its predictions of the batch that are still to be counted column by column, in their order whatever service they are of: sums are then the same however batches are cut. */
  readonly staged: RowList;
  /** How dependent requests of units were, where they were counted anew. */
  before: Dispersions | undefined;
}

type Dispersions = Omit<UnitsBefore, 'from'>;

/** By their begin, and the one that was asked for last: the next record mostly is of the same. */
interface Windows {
  readonly all: Map<number, WindowState>;
  last: WindowState | undefined;
}

/** An arm of a service in an environment. */
export interface Group {
  readonly number: number;
  readonly arm: string;
  readonly environment: string;
  readonly service: string;
  readonly audience: Audience;
  /** Of all records. */
  readonly whole: Windows;
  readonly slices: Map<string, Windows>;
  /** When its newest record came, in milliseconds since 1970; 0 before the first. */
  newest: number;
}

/** What is known of arms, to go on from later. */
export interface SavedGroups {
  readonly audiences: readonly { readonly environment: string; readonly arm: string; readonly collected: SavedArm; readonly delays: SavedDelays; readonly before?: Dispersions | undefined }[];
  readonly groups: readonly { readonly arm: string; readonly environment: string; readonly service: string; readonly newest: number; readonly windows: readonly WindowState[] }[];
  readonly widths: SavedWidths;
}

/** The arms that were seen, each with its windows. */
export class Groups {
  readonly #definition: QualityDefinition;
  readonly #slots: readonly LabelSlot[];
  /** Whether any metric needs outcomes. */
  readonly #isLabelled: boolean;
  readonly #isOfDecisions: boolean;
  /** Of a window. */
  readonly #width: number;
  readonly all: Group[] = [];
  readonly audiences: Audience[] = [];
  readonly #byKey = new Map<string, Group>();
  readonly #widths: SliceWidths;
  #last: Group | undefined;

  constructor(definition: QualityDefinition, slots: readonly LabelSlot[], saved?: SavedGroups) {
    this.#definition = definition;
    this.#widths = new SliceWidths(definition.windowMs, saved?.widths);
    this.#slots = slots;
    this.#isLabelled = definition.metrics.some(({ labelled }) => labelled);
    this.#isOfDecisions = definition.metrics.some(isOfAPart);
    this.#width = 3 * definition.metrics.length + (this.#isLabelled ? 1 + slots.length : 0) + Number(this.#isOfDecisions);
    for (const { environment, arm, ...audience } of saved?.audiences ?? []) this.#audience(environment, arm, audience);
    for (const { environment, service, arm, newest, windows } of saved?.groups ?? []) {
      const group = this.#made(environment, service, arm);
      group.newest = newest;
      for (const window of windows) Object.assign(this.#begun(windowsOf(group, window.slice), window.start, window.slice), window);
    }
  }

  get saved(): SavedGroups {
    return {
      audiences: this.audiences.map(({ environment, arm, collector, delays, before }) => ({ environment, arm, collected: collector.saved, delays: delays.saved, before })),
      groups: this.all.map(({ arm, environment, service, newest, ...windows }) => ({ arm, environment, service, newest, windows: [windows.whole, ...windows.slices.values()].flatMap(({ all }) => [...all.values()]) })),
      widths: this.#widths.saved,
    };
  }

  of(environment: string, service: string, arm: string): Group {
    const last = this.#last;
    if (last !== undefined && last.arm === arm && last.service === service && last.environment === environment) return last;
    this.#last = this.#byKey.get(groupKey(environment, service, arm)) ?? this.#made(environment, service, arm);
    return this.#last;
  }

  #made(environment: string, service: string, arm: string): Group {
    const group: Group = { number: this.all.length, arm, environment, service, audience: this.#audience(environment, arm), whole: noWindows(), slices: new Map(), newest: 0 };
    this.all.push(group);
    this.#byKey.set(groupKey(environment, service, arm), group);
    return group;
  }

  #audience(environment: string, arm: string, saved?: Pick<SavedGroups['audiences'][number], 'collected' | 'delays' | 'before'>): Audience {
    const known = this.audiences.find((each) => each.arm === arm && each.environment === environment);
    if (known !== undefined) return known;
    const audience: Audience = { number: this.audiences.length, environment, arm, collector: new ArmCollector(saved?.collected), delays: new LabelDelays(saved?.delays), staged: new RowList(), before: saved?.before };
    this.audiences.push(audience);
    return audience;
  }

  window(group: Group, at: number, slice: string | undefined): WindowState {
    const { windowMs } = this.#definition;
    const { last } = group.whole;
    if (slice === undefined && last !== undefined && at >= last.start && at < last.start + windowMs) return last;
    if (slice !== undefined && this.#widths.isFull) this.#widen();
    const start = slice === undefined ? Math.floor(at / windowMs) * windowMs : this.#widths.startOf(at);
    const windows = windowsOf(group, slice);
    if (windows.last?.start !== start) windows.last = windows.all.get(start) ?? this.#begun(windows, start, slice);
    return windows.last;
  }

  #begun({ all }: Windows, start: number, slice: string | undefined): WindowState {
    const window = { start, slice, requests: 0, served: 0, units: 0, drawn: 0, sums: new Float64Array(this.#width) };
    all.set(start, window);
    if (slice !== undefined) this.#widths.begun();
    return window;
  }

  /** Puts the older windows of slices together. */
  #widen(): void {
    const sliced = this.all.flatMap(({ slices }) => [...slices.values()]);
    this.#widths.widen(sliced.flatMap(({ all }) => [...all.keys()]));
    for (const windows of sliced) {
      for (const window of windows.all.values()) {
        const start = this.#widths.startOf(window.start);
        if (start === window.start) continue;
        addTo(windows.all.get(start) ?? this.#begun(windows, start, window.slice), window);
        windows.all.delete(window.start);
      }
    }
    this.#widths.widened(sliced.reduce((sum, { all }) => sum + all.size, 0));
  }

  /** Whether something was counted, and all of it is of windows that began at a time or later. */
  areFrom(at: number): boolean {
    for (const { whole } of this.all) for (const start of whole.all.keys()) if (start < at) return false;
    return this.all.length > 0;
  }

  snapshots(): QualityWindow[] {
    return this.all.flatMap((group) => {
      const newest = [...group.whole.all.keys()].reduce((last, start) => Math.max(last, start), Number.NEGATIVE_INFINITY);
      return [
        ...[...group.whole.all.values()].map((state) => ({ ...this.#snapshot(group, state), ...(state.start === newest ? { newest: group.newest } : {}) })),
        ...[...group.slices.values()].flatMap(({ all }) => [...all.values()].map((state) => this.#snapshot(group, state))),
      ];
    });
  }

  #snapshot({ arm, environment, service }: Group, { start, slice, requests, served, units, drawn, sums }: WindowState): QualityWindow {
    const metrics = Object.fromEntries(this.#definition.metrics.map(({ name }, metric) => [name, { n: sums[3 * metric] ?? 0, sum: sums[3 * metric + 1] ?? 0, squares: sums[3 * metric + 2] ?? 0 }]));
    return { arm, environment, service, start, end: start + (slice === undefined ? this.#definition.windowMs : this.#widths.widthAt(start)), requests, units, metrics, ...(slice === undefined ? this.#labels(sums) : {}), ...(served === requests ? {} : { served }), ...(drawn === units ? {} : { drawn }), ...(slice === undefined ? {} : { slice }) };
  }

  /** Counts a matured prediction of a window. */
  countMatured({ sums }: WindowState): void {
    const place = 3 * this.#definition.metrics.length;
    sums[place] = (sums[place] ?? 0) + 1;
  }

  /** Counts one of them that is labelled by a slot; `times`: -1 takes back what was counted. */
  countLabelled({ sums }: WindowState, slot: number, times: 1 | -1): void {
    const place = 3 * this.#definition.metrics.length + 1 + slot;
    sums[place] = (sums[place] ?? 0) + times;
  }

  /** Counts one of them of which it is known what was decided and what turned out; `times`: -1 takes back what was counted. */
  countDecided({ sums }: WindowState, times: 1 | -1): void {
    if (this.#isOfDecisions) sums[this.#width - 1] = (sums[this.#width - 1] ?? 0) + times;
  }

  #labels(sums: Float64Array): Pick<QualityWindow, 'labels'> {
    if (!this.#isLabelled) return {};
    const place = 3 * this.#definition.metrics.length;
    const labelled = Object.fromEntries(this.#slots.flatMap(({ metrics }, slot) => metrics.map((name) => [name, sums[place + 1 + slot] ?? 0])));
    return { labels: { matured: sums[place] ?? 0, labelled, ...(this.#isOfDecisions ? { decided: sums[this.#width - 1] ?? 0 } : {}) } };
  }

  /** Keeps how dependent requests of units were until now, before units are counted anew. */
  keepDispersions(units: Units): void {
    const sums = units.sums(this.audiences.length);
    for (const audience of this.audiences) {
      const found = this.#summary(audience, sums[audience.number] ?? [], units.from);
      audience.before = { unitSums: largest(found.unitSums, audience.before?.unitSums), labelSums: largest(found.labelSums, audience.before?.labelSums) };
    }
  }

  summaries(units: Units): ArmSummary[] {
    const sums = units.sums(this.audiences.length);
    const pairs = this.#untold();
    const told = pairs.length === 0 ? [] : units.toldSums(this.audiences.length, pairs);
    const toldSums = ({ number }: Audience): Pick<ArmSummary, 'toldSums'> => (pairs.length === 0 ? {} : { toldSums: Object.fromEntries(pairs.flatMap(({ name }, pair) => { const own = told[number]?.[pair]; return own === undefined || own.requests === 0 ? [] : [[name, own]]; })) });
    return this.audiences.filter(({ collector }) => collector.requests > 0).map((audience) => ({ ...this.#summary(audience, sums[audience.number] ?? [], units.from), ...toldSums(audience) }));
  }

  /** The metrics that not every record told that could, and what a unit could: as many as told another metric which all tell, or, of metrics that need outcomes, those that are labelled, or have matured. */
  #untold(): readonly { readonly name: string; readonly told: number; readonly could: number; readonly isBad: boolean }[] {
    const { metrics } = this.#definition;
    const totals = new Float64Array(this.#width + 1);
    for (const { whole } of this.all) {
      for (const { requests, sums } of whole.all.values()) {
        for (const [place, value] of sums.entries()) totals[place] = (totals[place] ?? 0) + value;
        totals[this.#width] = (totals[this.#width] ?? 0) + requests;
      }
    }
    const [requests, whole] = [totals[this.#width] ?? 0, metrics.findIndex(({ labelled }, metric) => !labelled && totals[3 * metric] === totals[this.#width])];
    return metrics.flatMap((metric, told) => {
      const slot = this.#slots.findIndex((each) => each.metrics.includes(metric.name));
      const isCounted = metric.labelled ? this.#slots.length > 0 && !isOfAPart(metric) : whole >= 0;
      const could = metric.labelled ? totals[3 * metrics.length + Math.max(0, slot + 1)] ?? 0 : requests;
      if (!isCounted || (totals[3 * told] ?? 0) >= could) return [];
      return [{ name: metric.name, told, could: metric.labelled ? metrics.length + Math.max(0, slot) : whole, isBad: metric.labelled && slot >= 0 }];
    });
  }

  #summary(audience: Audience, perMetric: readonly UnitSums[], from: number): ArmSummary {
    const { arm, environment, collector, delays } = audience;
    const windows = this.all.filter((group) => group.audience === audience).flatMap(({ whole }) => [...whole.all.values()].filter(({ start }) => start + this.#definition.windowMs > from));
    const unitSums: Record<string, UnitSums> = {};
    for (const [metric, { name, kind }] of this.#definition.metrics.entries()) {
      const sums = perMetric[metric];
      if (sums === undefined || sums.requests === 0) continue;
      let [n, sum, squares] = [0, 0, 0];
      for (const state of windows) {
        n += state.sums[3 * metric] ?? 0;
        sum += state.sums[3 * metric + 1] ?? 0;
        squares += state.sums[3 * metric + 2] ?? 0;
      }
      unitSums[name] = kind === 'bad' || n === 0 ? sums : { ...sums, variance: Math.max(LEAST_VARIANCE * (sum / n) ** 2, squares / n - (sum / n) ** 2) };
    }
    const labelSums = Object.fromEntries(this.#slots.flatMap(({ metrics }, slot) => metrics.flatMap((name) => { const own = perMetric[this.#definition.metrics.length + slot]; return own === undefined || own.requests === 0 ? [] : [[name, own]]; })));
    const { requests, units: seen, lastSeen, withoutRequest } = collector;
    const { told } = delays;
    const { absentMeans } = this.#definition.labels;
    return {
      arm, environment, requests, units: seen, lastSeen, unitSums, ...(withoutRequest === 0 ? {} : { withoutRequest }), ...(this.#slots.length === 0 ? {} : { labelSums }), ...(absentMeans === undefined ? {} : { absentMeans }),
      ...(Number.isFinite(from) ? { unitsBefore: { from, unitSums: {}, labelSums: {}, ...audience.before } } : {}), ...(told === undefined ? {} : { labelDelay: told }), ...collector.summary(),
    };
  }
}

/** The larger dispersion by metric, of sums and as it was before; finite, so that it can be kept. */
function largest(sums: Readonly<Record<string, UnitSums>> = {}, before: Readonly<Record<string, number>> = {}): Record<string, number> {
  const found = Object.entries(sums).map(([name, own]) => [name, Math.min(Number.MAX_VALUE, Math.max(before[name] ?? 1, dispersionBound([own])))] as const);
  return { ...before, ...Object.fromEntries(found) };
}

/** What was counted in one window, in another, too. */
function addTo(whole: WindowState, { requests, served, units, drawn, sums }: WindowState): void {
  whole.requests += requests;
  whole.served += served;
  whole.units += units;
  whole.drawn += drawn;
  for (const [place, value] of sums.entries()) whole.sums[place] = (whole.sums[place] ?? 0) + value;
}

function groupKey(environment: string, service: string, arm: string): string {
  return `${environment}\0${service}\0${arm}`;
}

function noWindows(): Windows {
  return { all: new Map(), last: undefined };
}

/** Of a slice, or of all records. */
function windowsOf({ whole, slices }: Group, slice: string | undefined): Windows {
  if (slice === undefined) return whole;
  const known = slices.get(slice);
  if (known !== undefined) return known;
  const windows = noWindows();
  slices.set(slice, windows);
  return windows;
}
