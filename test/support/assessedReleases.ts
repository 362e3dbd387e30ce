/**
 * The simulated releases of `guardSimulation.ts` through the code that decides in production: `assessRelease` with its event log, stages, windows and units, at one look a minute.
 */
import { planSetRollout } from '../../src/core/flags/planner.ts';
import { planStart } from '../../src/core/flags/startRollout.ts';
import { pin } from '../../src/core/flags/titles.ts';
import { readQuality } from '../../src/core/quality/definitions.ts';
import { silence } from '../../src/core/quality/silence.ts';
import { NO_NOTES, type ArmSummary, type QualityData, type QualityWindow } from '../../src/core/quality/window.ts';
import { alarms, guardEvidence } from '../../src/core/quality/stats/countRule.ts';
import { dispersion } from '../../src/core/quality/stats/dispersion.ts';
import { countIntervals, isAcrossChange } from '../../src/core/quality/strata.ts';
import { allocations, shareDuring, type Allocation } from '../../src/core/releases/allocation.ts';
import { assessRelease } from '../../src/core/releases/assessment.ts';
import type { ExposureCount } from '../../src/core/releases/findings.ts';
import type { ModelMapping } from '../../src/core/workspace/config.ts';
import { stage, World } from '../unit/releases/worldSupport.ts';
import { ALPHA, MARGIN, type Look, type Rule, type Scenario } from './guardSimulation.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const BEGIN = Date.UTC(2026, 2, 2, 10);
const WINDOW = 5 * MINUTE;
const QUALITY = readQuality({ source: { log: 'x.jsonl' }, guardrails: [{ name: 'errors', bad: 'error', max_ratio: 1.2 }], window: '5min' }).quality;
const nowhere = { start: { offset: 0, line: 0, column: 0 }, end: { offset: 0, line: 0, column: 0 } };
const NOTHING = { edges: [], counts: [] };
const PLAN = [stage('production', 5), stage('production', 10), stage('production', 25), stage('production', 100)];
const MODEL: ModelMapping = {
  name: 'fraud', switches: [{ flag: 'fraud', on: 'candidate', off: 'current', range: nowhere }], current: 'champion', candidate: 'challenger', range: nowhere, plan: PLAN,
  ...(QUALITY === undefined ? {} : { quality: QUALITY }),
};

/** What one release has logged by now. */
class Log {
  readonly #scenario: Scenario;
  readonly #windows = new Map<string, QualityWindow>();
  #units: Look['units'];
  #last = BEGIN;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  add(look: number, { interval: { candidateBad, bad, candidateCount, currentCount }, units }: Look): void {
    if (candidateCount + currentCount === 0) return;
    this.#units = units;
    this.#last = BEGIN + look * MINUTE;
    const start = Math.floor(this.#last / WINDOW) * WINDOW;
    for (const [arm, n, own] of [['candidate', candidateCount, candidateBad], ['current', currentCount, bad - candidateBad]] as const) {
      if (n === 0) continue;
      const known = this.#windows.get(`${arm} ${start}`);
      const before = known?.metrics['errors'] ?? { n: 0, sum: 0, squares: 0 };
      // Users that come back are no new units; who they are is not simulated window by window, so the ratio of the arms is not checked there.
      const isNew = this.#scenario.sticky === undefined && this.#scenario.batch === undefined ? n : 0;
      this.#windows.set(`${arm} ${start}`, {
        arm, environment: 'production', service: 'credit', start, end: start + WINDOW, requests: (known?.requests ?? 0) + n, units: (known?.units ?? 0) + isNew,
        metrics: { errors: { n: before.n + n, sum: before.sum + own, squares: before.squares + own } },
      });
    }
  }

  get data(): QualityData {
    const arms = ['candidate', 'current'].map((arm, index): ArmSummary => {
      const units = this.#units?.[index];
      return { arm, environment: 'production', requests: 1, units: 1, lastSeen: this.#last, unitSums: units === undefined ? {} : { errors: units }, latency: NOTHING, score: NOTHING, labelledScore: NOTHING, scoreOfPositives: NOTHING, matured: 0, labelled: 0 };
    });
    return { windows: [...this.#windows.values()], arms, notes: NO_NOTES };
  }
}

/** Unleash's counters: by the hour, with the hour that runs. SDKs report once a minute, so what was asked since the last look is not among it. */
class Counters {
  readonly #hours = new Map<number, ExposureCount>();
  #latest: Look['chosen'];

  /** Undefined where Unleash is not asked. */
  at(look: number, { chosen }: Look): readonly ExposureCount[] | undefined {
    if (chosen === undefined) return undefined;
    if (this.#latest !== undefined) {
      const start = Math.floor((BEGIN + (look - 1) * MINUTE) / HOUR) * HOUR;
      const { yes, no } = this.#hours.get(start) ?? { yes: 0, no: 0 };
      this.#hours.set(start, { environment: 'production', app: 'credit', start, end: start + HOUR, yes: yes + this.#latest[0], no: no + this.#latest[1], variants: {} });
    }
    this.#latest = chosen;
    return [...this.#hours.values()];
  }
}

/** Whether the evidence that a breach needs is near: the same windows by the same rules, without all that an assessment says beside it. Of two guardrails one at least needs as much as both together. */
function isNear({ windows, arms }: QualityData, exposures: readonly ExposureCount[] | undefined, now: number, given: readonly Allocation[]): boolean {
  const of = (arm: string): QualityWindow[] => windows.filter((each) => each.arm === arm);
  const compared = (arm: string): QualityWindow[] => of(arm).filter((each) => !isAcrossChange(each, (start, end) => shareDuring(given, start, end)));
  const sums = arms.flatMap(({ unitSums }) => unitSums['errors'] ?? []);
  if (exposures !== undefined && alarms(silence(exposures, of('candidate'), of('current'), { now }).evidence.restarted, 2 * ALPHA)) return true;
  return alarms(guardEvidence(countIntervals(compared('candidate'), compared('current'), 'errors', sums.length === 0 ? 1 : dispersion(sums)), MARGIN).restarted, 2 * ALPHA);
}

/**
 * `assessRelease` as a rule of the simulation: told each look, it says whether the guard would take the release back now. The share of each look is set in Unleash as a person would.
 * @param everyLook whether it assesses at each look; else only where the evidence is at least half of what a breach needs, which leaves out no breach and takes a hundredth of the time
 */
export function assessed(scenario: Scenario, everyLook = true): Rule {
  const world = new World();
  world.at = BEGIN - 2 * MINUTE;
  world.apply(planStart(world.reading(), { environments: ['production'], pin: pin('fraud', '14', '13') }));
  const log = new Log(scenario);
  const counters = new Counters();
  const delay = scenario.labelDelay ?? 0;
  let [number, share, given] = [-1, 0, allocations(world.reading(), 'production')];
  return (look) => {
    number += 1;
    const now = BEGIN + number * MINUTE;
    const wanted = scenario.share(number);
    if (wanted !== share) {
      share = wanted;
      world.at = now;
      world.apply(planSetRollout(world.reading(), 'production', Math.round(100 * share)));
      given = allocations(world.reading(), 'production');
    }
    log.add(number - delay, look);
    const { data } = log;
    const exposures = counters.at(number, look);
    if (!everyLook && !isNear(data, exposures, now + MINUTE, given)) return false;
    return assessRelease({ now: now + MINUTE, model: MODEL, reading: world.reading(), quality: { kind: 'data', data }, exposures, gates: [], moved: [], sha256: String })?.verdict.word === 'rollback';
  };
}
