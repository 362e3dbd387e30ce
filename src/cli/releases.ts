import { AppError } from '../core/base/errors.ts';
import type { ChangeRunner } from '../core/flags/changeRunner.ts';
import type { ModelRegistry } from '../core/models/registry.ts';
import { ReleaseReader, type LookedAt } from '../core/releases/releaseReader.ts';
import type { QualityData } from '../core/quality/window.ts';
import { plainLine } from '../core/base/words.ts';
import type { ModelMapping, WorkspaceFile } from '../core/workspace/config.ts';
import { releasePorts } from '../adapters/releases/releasePorts.ts';
import { WatchedReadings } from '../adapters/releases/watchedReadings.ts';
import { prometheusCredentials } from '../adapters/prometheus/credentials.ts';
import { refuseProblems, refuseUnguardable } from './configuration.ts';
import { connectCli, runnerFor, type CliContext, type CliTarget } from './context.ts';
import { gatePorts, withLazyRegistry } from './gating.ts';

/** All that commands about releases work with. */
export interface CliReleases {
  readonly target: CliTarget;
  readonly runner: ChangeRunner;
  readonly reader: ReleaseReader;
  /** Where the command goes on looking. */
  readonly watched?: WatchedReadings | undefined;
  readonly openRegistry: () => Promise<ModelRegistry>;
  /** What a model's services logged. */
  readonly readQuality: (model: ModelMapping, signal?: AbortSignal) => Promise<QualityData>;
}

/** What a command is for: one that decides by the file, or raises exposure, ends where the file is wrong; one that lowers, or tells what was, goes on with what can be read. */
export interface Purpose {
  readonly decides: boolean;
  /** It lowers what it finds in breach: errors of one model keep no other from being guarded. */
  readonly guards?: boolean;
  /** It looks again and again. */
  readonly isWatch?: boolean;
}

/** Connects, and closes at the end what was opened meanwhile. @throws AppError validation without a modelswitch.yaml, or with a wrong one */
export async function withReleases<T>(context: CliContext, { decides, guards = false, isWatch = false }: Purpose, work: (releases: CliReleases) => Promise<T>): Promise<T> {
  const target = await connectCli(context);
  if (guards) refuseUnguardable(context, target.file, context.options);
  else if (decides) refuseProblems(context, target.file, context.options);
  if (target.config === undefined) throw new AppError('validation', 'There is no readable modelswitch.yaml here: run it in the folder that has one, which names the stages of a release.');
  const { models, features = [] } = target.config;
  const runner = await runnerFor(target.client, context.signal);
  return withLazyRegistry(context, target, async (openRegistry) => {
    const watched = isWatch ? new WatchedReadings(target.client, runner, target.project) : undefined;
    const ports = releasePorts({
      client: target.client, runner, project: target.project, config: { models, features, ...(guards && target.file !== undefined ? { file: target.file } : {}) }, gates: gatePorts(context, target, openRegistry), folder: context.cwd,
      fetch: (url, init) => fetch(url, init), credentialsFor: prometheusCredentials(context.env), watched,
    });
    try {
      return await work({ target, runner, reader: new ReleaseReader(ports), watched, openRegistry, readQuality: (model, signal) => ports.readQuality(model, ports.now(), signal) });
    } finally {
      ports.dispose();
    }
  });
}

/** The flag that switches a model, whether or not it has a plan that can be read. @throws AppError notFound where nothing that can be read says so; validation where several do */
export function onlyFlag(file: WorkspaceFile | undefined, name: string): string {
  const flags = file?.config?.models.find((model) => model.name === name)?.switches.map(({ flag }) => flag) ?? [];
  const [only] = flags;
  if (only === undefined) throw new AppError('notFound', file !== undefined && file.config === undefined ? `modelswitch.yaml cannot be read, so nobody knows the flag of ${plainLine(name)}: give --flag and --project.` : `modelswitch.yaml has no flag for ${plainLine(name)}: give --flag.`);
  if (flags.length > 1) throw new AppError('validation', `Say which release with --flag: ${plainLine(name)} is switched by ${flags.map((each) => plainLine(each)).join(', ')}.`);
  return only;
}

/** The flag that is meant, where the plan of its model cannot be read; undefined where it can, or there is none. @throws AppError validation where several are meant */
export function flagOfUnreadPlan(file: WorkspaceFile | undefined, { model, flag }: CliContext['options']): string | undefined {
  const unread = new Set(file?.problems.filter(({ severity, path }) => severity === 'error' && path?.[0] === 'models' && path[2] === 'plan').map(({ path }) => path?.[1]));
  const meant = (file?.config?.models ?? []).filter((each) => (model === undefined || each.name === model) && (flag === undefined || each.switches.some((entry) => entry.flag === flag)));
  const [first] = meant;
  // Without a word which, it is the only release; a plan that can be read beside it is as likely to be meant.
  if (first === undefined || !meant.some(({ name, plan }) => plan === undefined && unread.has(name))) return undefined;
  const candidates = meant.filter(({ name, plan }) => plan !== undefined || unread.has(name));
  if (candidates.length > 1) throw new AppError('validation', `Say which release with --model or --flag: ${candidates.map(({ name }) => plainLine(name)).join(', ')}.`);
  return flag ?? onlyFlag(file, candidates[0]?.name ?? first.name);
}

/** The releases that are meant: those of `--model` and `--flag`, else all. @throws AppError notFound when there is none */
export function meantReleases({ options }: CliContext, reader: ReleaseReader): readonly { readonly model: ModelMapping; readonly flag: string }[] {
  const found = reader.releases.filter(({ model, flag }) => (options.model === undefined || model.name === options.model) && (options.flag === undefined || flag === options.flag));
  if (found.length > 0) return found;
  const names = reader.releases.map(({ model, flag }) => `${model.name} (${flag})`);
  throw new AppError('notFound', names.length === 0 ? 'No model of modelswitch.yaml has a plan: that can be followed.' : `modelswitch.yaml has no such release. There are: ${names.join(', ')}.`);
}

/** The one release that is meant. @throws AppError validation when there are several */
export function meantRelease(context: CliContext, reader: ReleaseReader): { readonly model: ModelMapping; readonly flag: string } {
  const found = meantReleases(context, reader);
  const [only] = found;
  if (only === undefined || found.length > 1) throw new AppError('validation', `Say which release with --model or --flag: ${found.map(({ model, flag }) => `${model.name} (${flag})`).join(', ')}.`);
  return only;
}

/** A look at it. @throws AppError validation when there are several */
export async function theRelease(context: CliContext, { reader }: CliReleases): Promise<LookedAt> {
  const { model, flag } = meantRelease(context, reader);
  return reader.look(model, flag, context.signal);
}
