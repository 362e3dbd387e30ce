import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AppError, toAppError } from '../core/base/errors.ts';
import { registryProblem } from '../core/workspace/registryChoice.ts';
import type { ChangePlan } from '../core/flags/changePlan.ts';
import { segmentMap, type ChangeNote, type FlagReading } from '../core/flags/planning.ts';
import { pin, type Pin } from '../core/flags/titles.ts';
import { providedFeatures, type ProvidedFeatures } from '../core/models/featureFlags.ts';
import { armsOf, wantedDetails } from '../core/models/mapping.ts';
import { readView } from '../core/models/readView.ts';
import type { ModelRegistry } from '../core/models/registry.ts';
import { gateSubject, needsGates, overrideReason, passGates, type GatePorts, type GateVerdict } from '../core/releases/gates.ts';
import { PROMOTION_GATES } from '../core/releases/promotionGates.ts';
import type { WorkspaceConfig } from '../core/workspace/config.ts';
import { suitesOnDisk } from '../adapters/suites/suitesOnDisk.ts';
import { refuseProblems } from './configuration.ts';
import { connectCli, required, type CliContext, type CliOptions, type CliTarget } from './context.ts';
import { openCliRegistry } from './registry.ts';

const FREE: GateVerdict = { kind: 'pass', warnings: [], blocks: [] };

/** A registry that is opened when it is first asked, and closed at the end. */
export async function withLazyRegistry<T>(context: CliContext, target: CliTarget, work: (open: () => Promise<ModelRegistry>) => Promise<T>): Promise<T> {
  let opened: Promise<ModelRegistry> | undefined;
  try {
    return await work(() => opened ??= Promise.resolve().then(() => openTarget(context, target)));
  } finally {
    (await opened?.catch(() => undefined))?.close();
  }
}

/** Where the registry section cannot be read, another registry would answer with other versions, or be written to. */
function openTarget(context: CliContext, { file, config = { models: [], personas: [] } }: CliTarget): ModelRegistry {
  const wrong = context.options.registry !== undefined || file?.config === undefined ? undefined : registryProblem(file);
  if (wrong !== undefined) throw new AppError('validation', `modelswitch.yaml:${wrong.range.start.line + 1}: ${wrong.message}`);
  return openCliRegistry(context, config);
}

/** A plan and what the gates say of it. With `--override REASON` what may be overridden is, and stands in the plan's titles. */
export async function gatedPlan(context: CliContext, target: CliTarget, reading: FlagReading, plan: (note: ChangeNote) => ChangePlan | Promise<ChangePlan>): Promise<{ readonly plan: ChangePlan; readonly verdict: GateVerdict }> {
  const { options, signal } = context;
  const first = await plan({ reason: options.reason });
  if (!needsGates(first)) return { plan: first, verdict: FREE };
  refuseProblems(context, target.file, { model: options.model, flag: reading.detail.flag.name });
  const verdict = await withLazyRegistry(context, target, (open) => {
    const config = { models: target.config?.models ?? [], features: target.config?.features ?? [] };
    return passGates(PROMOTION_GATES, gateSubject(first, reading, config, gatePorts(context, target, open)), signal);
  });
  return withOverride(options, verdict, first, plan);
}

/** With `--override REASON` what may be overridden is, and stands in the titles of the plan that is made anew. */
export async function withOverride(options: CliOptions, verdict: GateVerdict, first: ChangePlan, plan: (note: ChangeNote) => ChangePlan | Promise<ChangePlan>): Promise<{ readonly plan: ChangePlan; readonly verdict: GateVerdict }> {
  if (options.override === undefined || verdict.kind !== 'block' || verdict.blocks.some(({ overridable }) => !overridable)) return { plan: first, verdict };
  const reason = overrideReason(verdict, required(options.override, '--override', '; it takes the reason'));
  const warnings = [...verdict.blocks.flatMap(({ reasons }) => reasons.map((each) => `overridden: ${each}`)), ...verdict.warnings];
  return { plan: await plan({ reason: options.reason === undefined ? reason : `${reason} · ${options.reason}` }), verdict: { kind: 'warn', warnings, blocks: [] } };
}

export function gatePorts({ cwd }: CliContext, { client, project }: CliTarget, open: () => Promise<ModelRegistry>): GatePorts {
  return {
    registry: open,
    readText: async (path) => {
      try {
        return await readFile(resolve(cwd, path), 'utf8');
      } catch (error) {
        throw new AppError('validation', `The contract ${path} cannot be read: check the path.`, {}, error);
      }
    },
    suites: (patterns, signal) => suitesOnDisk(cwd, patterns, signal),
    now: () => Date.now(),
    readFlag: async (name, signal) => {
      try {
        return (await client.readFlag(project, name, signal)).flag;
      } catch (error) {
        if (toAppError(error).code === 'notFound') return undefined;
        throw error;
      }
    },
  };
}

/** What features behind flags of their own provide in the environment that is asked about; `unknown` where no Unleash answers. */
export async function featuresNow(context: CliContext, config: WorkspaceConfig): Promise<ProvidedFeatures[]> {
  const { features = [] } = config;
  if (features.length === 0) return [];
  const environment = context.options.environment ?? config.unleash?.environment ?? 'production';
  try {
    const target = await connectCli(context);
    const asked = gatePorts(context, target, () => Promise.reject(new AppError('internal', 'No registry is asked here.')));
    const [segments, ...flags] = await Promise.all([target.client.readSegments(context.signal), ...features.map(({ flag }) => asked.readFlag(flag, context.signal))]);
    return providedFeatures(features, environment, new Map(flags.flatMap((flag) => (flag === undefined ? [] : [[flag.name, flag] as const]))), segmentMap(segments));
  } catch (thrown) {
    if (toAppError(thrown).code === 'cancelled') throw thrown;
    return providedFeatures(features, environment, undefined, new Map());
  }
}

/** The versions that the mapping of a flag means now. @throws AppError validation, and what the registry throws */
export async function pinNow(context: CliContext, target: CliTarget, { detail: { flag } }: FlagReading): Promise<Pin> {
  const mapped = (target.config?.models ?? []).filter(({ name, switches }) => switches.some((entry) => entry.flag === flag.name) && (context.options.model === undefined || name === context.options.model));
  const [model] = mapped;
  if (model === undefined) throw new AppError('validation', `modelswitch.yaml maps no model${context.options.model === undefined ? '' : ` "${context.options.model}"`} to ${flag.name}.`);
  if (mapped.length > 1) throw new AppError('validation', `${flag.name} switches ${mapped.map(({ name }) => name).join(' and ')}: say which with --model.`);
  return withLazyRegistry(context, target, async (open) => {
    const view = await readView(open, wantedDetails(armsOf([model], flag.name, undefined)), context.signal);
    const [arms] = armsOf([model], flag.name, view);
    const [on, off] = [arms?.on.version, arms?.off.version];
    if (on !== undefined && off !== undefined) return pin(model.name, on, off);
    throw new AppError('notFound', `Which versions ${model.name} has now is not known: ${[arms?.on, arms?.off].flatMap((arm) => (arm?.version === undefined ? arm?.failure ?? `the registry has no ${arm?.name ?? ''}` : [])).join('; ')}`);
  });
}
