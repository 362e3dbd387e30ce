import { ArmCollector, type SavedArm } from './armCollector.ts';
import { RowList } from './batch.ts';
import type { QualityDefinition } from './definitions.ts';
import { LabelDelays, type SavedDelays } from './labelDelay.ts';
import type { UnitSums } from './stats/dispersion.ts';
import type { Units } from './units.ts';
import type { ArmSummary, QualityWindow } from './window.ts';

export interface WindowState {
  readonly start: number;
  readonly slice: string | undefined;
  requests: number;
  /** With those that `where` leaves out. */
  served: number;
  units: number;
  /** n, sum, squares per metric. */
  readonly sums: Float64Array;
}

/** An arm of a service in an environment. */
export interface Group {
  readonly number: number;
  readonly arm: string;
  readonly environment: string;
  readonly service: string;
  readonly armCollector: ArmCollector;
  readonly delays: LabelDelays;
  readonly windows: Map<string, WindowState>;
  last: WindowState | undefined;
  /** Its predictions of the batch that are still to be counted column by column. */
  readonly staged: RowList;
}

/** What is known of arms, to go on from later. */
export type SavedGroups = readonly {
  readonly arm: string;
  readonly environment: string;
  readonly service: string;
  readonly collected: SavedArm;
  readonly delays: SavedDelays;
  readonly windows: readonly WindowState[];
}[];

/** The arms that were seen, each with its windows. */
export class Groups {
  readonly #definition: QualityDefinition;
  readonly all: Group[] = [];
  #last: Group | undefined;

  constructor(definition: QualityDefinition, saved: SavedGroups = []) {
    this.#definition = definition;
    for (const { environment, service, arm, windows, ...counted } of saved) {
      const group = this.#made(environment, service, arm, counted);
      for (const window of windows) group.windows.set(keyOf(window.start, window.slice), { ...window });
    }
  }

  get saved(): SavedGroups {
    return this.all.map(({ arm, environment, service, armCollector, delays, windows }) => ({ arm, environment, service, collected: armCollector.saved, delays: delays.saved, windows: [...windows.values()] }));
  }

  of(environment: string, service: string, arm: string): Group {
    const last = this.#last;
    if (last !== undefined && last.arm === arm && last.service === service && last.environment === environment) return last;
    const known = this.all.find((group) => group.arm === arm && group.service === service && group.environment === environment);
    this.#last = known ?? this.#made(environment, service, arm);
    return this.#last;
  }

  #made(environment: string, service: string, arm: string, saved?: Pick<SavedGroups[number], 'collected' | 'delays'>): Group {
    const group: Group = { number: this.all.length, arm, environment, service, armCollector: new ArmCollector(saved?.collected), delays: new LabelDelays(saved?.delays), windows: new Map(), last: undefined, staged: new RowList() };
    this.all.push(group);
    return group;
  }

  window(group: Group, at: number, slice: string | undefined): WindowState {
    const { windowMs, metrics } = this.#definition;
    if (slice === undefined && group.last !== undefined && at >= group.last.start && at < group.last.start + windowMs) return group.last;
    const start = Math.floor(at / windowMs) * windowMs;
    const key = keyOf(start, slice);
    let window = group.windows.get(key);
    if (window === undefined) {
      window = { start, slice, requests: 0, served: 0, units: 0, sums: new Float64Array(3 * metrics.length) };
      group.windows.set(key, window);
    }
    if (slice === undefined) group.last = window;
    return window;
  }

  snapshots(): QualityWindow[] {
    return this.all.flatMap((group) => [...group.windows.values()].map((state) => this.#snapshot(group, state)));
  }

  #snapshot({ arm, environment, service }: Group, { start, slice, requests, served, units, sums }: WindowState): QualityWindow {
    const metrics = Object.fromEntries(this.#definition.metrics.map(({ name }, metric) => [name, { n: sums[3 * metric] ?? 0, sum: sums[3 * metric + 1] ?? 0, squares: sums[3 * metric + 2] ?? 0 }]));
    return { arm, environment, service, start, end: start + this.#definition.windowMs, requests, units, metrics, ...(served === requests ? {} : { served }), ...(slice === undefined ? {} : { slice }) };
  }

  summaries(units: Units): ArmSummary[] {
    const sums = units.sums(this.all.length);
    return this.all.filter(({ armCollector }) => armCollector.requests > 0).map((group) => this.#summary(group, sums[group.number] ?? []));
  }

  #summary({ arm, environment, windows, armCollector, delays }: Group, perMetric: readonly UnitSums[]): ArmSummary {
    const unitSums: Record<string, UnitSums> = {};
    for (const [metric, { name, kind }] of this.#definition.metrics.entries()) {
      const sums = perMetric[metric];
      if (sums === undefined || sums.requests === 0) continue;
      let [n, sum, squares] = [0, 0, 0];
      for (const state of windows.values()) {
        if (state.slice !== undefined) continue;
        n += state.sums[3 * metric] ?? 0;
        sum += state.sums[3 * metric + 1] ?? 0;
        squares += state.sums[3 * metric + 2] ?? 0;
      }
      unitSums[name] = kind === 'bad' || n === 0 ? sums : { ...sums, variance: Math.max(0, squares / n - (sum / n) ** 2) };
    }
    const { requests, units: seen, lastSeen } = armCollector;
    const { told } = delays;
    return { arm, environment, requests, units: seen, lastSeen, unitSums, ...(told === undefined ? {} : { labelDelay: told }), ...armCollector.summary() };
  }
}

function keyOf(start: number, slice: string | undefined): string {
  return slice === undefined ? String(start) : `${start} ${slice}`;
}

/** A value more of a metric, or one less. */
export function addTo(sums: Float64Array, metric: number, value: number, times: 1 | -1 = 1): void {
  const place = 3 * metric;
  sums[place] = (sums[place] ?? 0) + times;
  sums[place + 1] = (sums[place + 1] ?? 0) + times * value;
  sums[place + 2] = (sums[place + 2] ?? 0) + times * value * value;
}
