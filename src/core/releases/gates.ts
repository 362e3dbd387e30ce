import { toAppError } from '../base/errors.ts';
import { plainLine } from '../base/words.ts';
import type { ChangeKind, ChangePlan } from '../flags/changePlan.ts';
import type { Flag } from '../flags/model.ts';
import type { FlagReading } from '../flags/planning.ts';
import { armsOf, wantedDetails, type FlagArms } from '../models/mapping.ts';
import { readView } from '../models/readView.ts';
import type { ModelRegistry } from '../models/registry.ts';
import type { FeatureSet } from '../workspace/featureSet.ts';
import type { SuiteOnDisk } from '../suites/evidence.ts';
import type { ModelMapping, WorkspaceFile } from '../workspace/config.ts';

/** What a gate says about a change. Reasons are sentences; those of `block` say what to do as well. */
export type GateResult =
  | { readonly kind: 'pass' }
  | { readonly kind: 'warn'; readonly reasons: readonly string[] }
  /** `overridable`: somebody may go on with a reason, which is recorded. */
  | { readonly kind: 'block'; readonly reasons: readonly string[]; readonly overridable: boolean };

/** The repository's side of a release: what `modelswitch.yaml` says. */
export interface GateConfig {
  readonly models: readonly ModelMapping[];
  readonly features: readonly FeatureSet[];
  /** The file as it was read, with what is wrong in it; undefined where whoever asks has refused that before. */
  readonly file?: WorkspaceFile | undefined;
}

/** What gates may ask. Every call may fail with an `AppError`: a gate that cannot find out warns. */
export interface GatePorts {
  /** Opened when the first gate asks for it. */
  registry(): Promise<Pick<ModelRegistry, 'readModel' | 'readVersion'>>;
  /** A text file by its path relative to `modelswitch.yaml`. */
  readText(path: string): Promise<string>;
  /** The suites that paths and globs name, by the folder of `modelswitch.yaml`, as they stand there now. */
  suites(patterns: readonly string[], signal?: AbortSignal): Promise<readonly SuiteOnDisk[]>;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Other flags of the project, such as those of features; undefined where there is none of the name. */
  readFlag(name: string, signal?: AbortSignal): Promise<Flag | undefined>;
}

/** A change that raises exposure, before anybody is asked to confirm it. */
export interface GateSubject {
  readonly plan: ChangePlan;
  readonly reading: FlagReading;
  readonly config: GateConfig;
  readonly ports: GatePorts;
  /** The models behind the flag with their versions, read from the registry once for all gates. What could not be read is `unknown`. */
  readonly arms: (signal?: AbortSignal) => Promise<readonly FlagArms[]>;
}

/** A condition that a change which raises exposure has to meet. Later features (statistics, approval) add theirs to the list. */
export interface PromotionGate {
  /** As it is named in messages and in the title of an override: `compatibility`. */
  readonly name: string;
  check(subject: GateSubject, signal?: AbortSignal): Promise<GateResult>;
}

/** What all gates together say. */
export interface GateVerdict {
  readonly kind: GateResult['kind'];
  readonly warnings: readonly string[];
  readonly blocks: readonly { readonly gate: string; readonly reasons: readonly string[]; readonly overridable: boolean }[];
}

/** Changes that take something back, or write down what a release is about: nothing stands in their way. */
const FREE: ReadonlySet<ChangeKind> = new Set(['roll back', 'kill', 'disable', 're-pin', 'start']);

/** Whether a change has to pass the gates: it raises somebody's exposure. */
export function needsGates({ kind, environments }: ChangePlan): boolean {
  return !FREE.has(kind) && environments.some(({ exposure, steps }) => steps.length > 0 && (exposure === 'raise' || exposure === 'mixed'));
}

export function gateSubject(plan: ChangePlan, reading: FlagReading, config: GateConfig, ports: GatePorts): GateSubject {
  let reads: Promise<readonly FlagArms[]> | undefined;
  const read = async (signal?: AbortSignal): Promise<readonly FlagArms[]> => {
    const { flag } = reading.detail;
    const environment = plan.environments[0]?.environment;
    const wanted = wantedDetails(armsOf(config.models, flag.name, undefined, flag, environment));
    return armsOf(config.models, flag.name, await readView(() => ports.registry(), wanted, signal), flag, environment);
  };
  return { plan, reading, config, ports, arms: (signal) => reads ??= read(signal) };
}

/** Asks every gate, in order. @throws AppError cancelled */
export async function passGates(gates: readonly PromotionGate[], subject: GateSubject, signal?: AbortSignal): Promise<GateVerdict> {
  const warnings: string[] = [];
  const blocks: GateVerdict['blocks'][number][] = [];
  if (!needsGates(subject.plan)) return { kind: 'pass', warnings, blocks };
  for (const gate of gates) {
    const result = await gate.check(subject, signal).catch((thrown: unknown): GateResult => {
      const error = toAppError(thrown);
      if (error.code === 'cancelled') throw error;
      return { kind: 'warn', reasons: [`${gate.name} could not be checked: ${plainLine(error.message, 300)}`] };
    });
    if (result.kind === 'warn') warnings.push(...result.reasons);
    if (result.kind === 'block') blocks.push({ gate: gate.name, reasons: result.reasons, overridable: result.overridable });
  }
  return { kind: blocks.length > 0 ? 'block' : warnings.length > 0 ? 'warn' : 'pass', warnings, blocks };
}

/** What goes into the title of a change that went on in spite of gates: `override compatibility: hotfix 7`. */
export function overrideReason({ blocks }: GateVerdict, reason: string): string {
  return `override ${blocks.map(({ gate }) => gate).join(' and ')}: ${plainLine(reason, 60)}`;
}
