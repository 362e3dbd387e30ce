import { AppError, toAppError } from '../base/errors.ts';
import { plainLine } from '../base/words.ts';
import { environmentPins, situation, type FlagReading } from '../flags/planning.ts';
import { environmentOf } from '../flags/model.ts';
import { armsOf, movedPins, wantedDetails, type MovedPin } from '../models/mapping.ts';
import { readView } from '../models/readView.ts';
import type { QualityData, QualityRequest } from '../quality/window.ts';
import type { ModelMapping } from '../workspace/config.ts';
import { assessRelease, evidenceBegan, type QualityLook, type ReleaseAssessment, type ReleaseLook } from './assessment.ts';
import type { ExposureCount } from './findings.ts';
import { gateSubject, passGates, type GateConfig, type GatePorts, type GateVerdict } from './gates.ts';
import { PROMOTION_GATES } from './promotionGates.ts';
import type { GateFinding } from './verdict.ts';

/** Where a look at a release comes from. Every call may fail with an `AppError`; only that of the flag ends the look. */
export interface ReleasePorts {
  readonly config: GateConfig;
  readonly gates: GatePorts;
  readFlag(flag: string, signal?: AbortSignal): Promise<FlagReading>;
  readExposures(flag: string, signal?: AbortSignal): Promise<readonly ExposureCount[]>;
  /** All that a model's source tells, back to when evidence began where that is known; a second call may read only what is new. */
  readQuality(model: ModelMapping, now: number, signal?: AbortSignal, back?: Pick<QualityRequest, 'since' | 'from'>): Promise<QualityData>;
  /** Milliseconds since 1970, by the clock of the server that holds the flag. */
  now(): number;
  readonly sha256: (text: string) => string;
}

/** One look: what was known, and what it comes to. */
export interface LookedAt {
  readonly look: ReleaseLook;
  readonly assessment: ReleaseAssessment;
  /** What gates say of the next change; undefined where there is none, or where a breach made the question idle. */
  readonly gates?: GateVerdict;
}

/** Reads all that a release is judged by, for the command line, the guard and the editor alike. It keeps nothing that a new one would not find out again. */
export class ReleaseReader {
  readonly #ports: ReleasePorts;
  readonly #last = new Map<string, QualityData>();

  constructor(ports: ReleasePorts) {
    this.#ports = ports;
  }

  /** The models that are released by a plan, each with each of its flags. */
  get releases(): readonly { readonly model: ModelMapping; readonly flag: string }[] {
    return this.#ports.config.models.filter(({ plan = [] }) => plan.length > 0).flatMap((model) => model.switches.map(({ flag }) => ({ model, flag })));
  }

  /**
   * Looks at one release. What takes exposure back waits for nothing that only delays an advance: the registry is asked when the numbers are not in breach.
   * @throws AppError what the flag's server throws; notFound where the model has no plan for the flag
   */
  async look(model: ModelMapping, flag: string, signal?: AbortSignal): Promise<LookedAt> {
    const { config, gates, sha256 } = this.#ports;
    const reading = await this.#ports.readFlag(flag, signal);
    const now = this.#ports.now();
    // Which arms have fallen silent says whether the counters are worth a request.
    const quality = await this.#quality(model, now, signal, evidenceBegan(model, reading));
    const exposures = await this.#ports.readExposures(flag, signal).catch(unlessCancelled);
    const look: ReleaseLook = { now, model, reading, quality, exposures, gates: [], moved: [], sha256 };
    const first = assessed(look);
    if (first.verdict.word === 'rollback') return { look, assessment: first };
    const moved = await this.#moved(model, reading, first.environment, signal);
    const gated = first.next.kind === 'change' ? await passGates(PROMOTION_GATES, gateSubject(first.next.change, reading, config, gates), signal) : undefined;
    const whole = { ...look, moved, gates: gated === undefined ? [] : gateFindings(gated) };
    return { look: whole, assessment: assessed(whole), ...(gated === undefined ? {} : { gates: gated }) };
  }

  async #quality(model: ModelMapping, now: number, signal: AbortSignal | undefined, back: Pick<QualityRequest, 'since' | 'from'>): Promise<QualityLook> {
    if (model.quality === undefined) return { kind: 'none' };
    try {
      const data = await this.#ports.readQuality(model, now, signal, back);
      // A part may look worse or better than all: it is as if the source had not answered.
      if (data.notes.incomplete !== undefined) throw new AppError('network', `it told a part only: ${plainLine(data.notes.incomplete, 200)}`);
      this.#last.set(model.name, data);
      return { kind: 'data', data };
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code === 'cancelled') throw error;
      const last = this.#last.get(model.name);
      return { kind: 'failed', because: error.message, ...(last === undefined ? {} : { last }) };
    }
  }

  /** A registry that does not answer has not moved anything. */
  async #moved(model: ModelMapping, reading: FlagReading, environment: string, signal: AbortSignal | undefined): Promise<MovedPin[]> {
    const { flag } = reading.detail;
    if (environmentOf(flag, environment) === undefined) return [];
    const pins = environmentPins(situation(reading, environment));
    const wanted = wantedDetails(armsOf([model], flag.name, undefined, flag, environment));
    const view = await readView(() => this.#ports.gates.registry(), wanted, signal);
    return armsOf([model], flag.name, view, flag, environment).flatMap((arms) => movedPins(arms, pins));
  }
}

function assessed(look: ReleaseLook): ReleaseAssessment {
  const assessment = assessRelease(look);
  if (assessment === undefined) throw new AppError('notFound', `${look.model.name} has no plan: in modelswitch.yaml for ${look.reading.detail.flag.name}, so there is no stage to be at.`, { reason: 'noPlan' });
  return assessment;
}

function unlessCancelled(thrown: unknown): undefined {
  const error = toAppError(thrown);
  if (error.code === 'cancelled') throw error;
  return undefined;
}

function gateFindings({ blocks }: GateVerdict): GateFinding[] {
  return blocks.filter(({ gate }) => gate !== 'moved alias').map(({ gate, reasons }) => ({ name: gate, state: 'shut', words: `${gate}: ${(reasons[0] ?? 'blocked').replace(/\.$/, '')}${reasons.length > 1 ? ` (and ${reasons.length - 1} more)` : ''}` }));
}
