import { AppError } from '../core/base/errors.ts';
import type { ChangeRunner } from '../core/flags/changeRunner.ts';
import type { ModelRegistry } from '../core/models/registry.ts';
import { ReleaseReader, type LookedAt } from '../core/releases/releaseReader.ts';
import type { QualityData } from '../core/quality/window.ts';
import type { ModelMapping } from '../core/workspace/config.ts';
import { releasePorts } from '../adapters/releases/releasePorts.ts';
import { WatchedReadings } from '../adapters/releases/watchedReadings.ts';
import { prometheusCredentials } from '../adapters/prometheus/credentials.ts';
import { refuseProblems } from './configuration.ts';
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
  /** It looks again and again. */
  readonly isWatch?: boolean;
}

/** Connects, and closes at the end what was opened meanwhile. @throws AppError validation without a modelswitch.yaml, or with a wrong one */
export async function withReleases<T>(context: CliContext, { decides, isWatch = false }: Purpose, work: (releases: CliReleases) => Promise<T>): Promise<T> {
  const target = await connectCli(context);
  if (decides) refuseProblems(context, target.file, context.options);
  if (target.config === undefined) throw new AppError('validation', 'There is no readable modelswitch.yaml here: run it in the folder that has one, which names the stages of a release.');
  const { models, features = [] } = target.config;
  const runner = await runnerFor(target.client, context.signal);
  return withLazyRegistry(context, target, async (openRegistry) => {
    const watched = isWatch ? new WatchedReadings(target.client, runner, target.project) : undefined;
    const ports = releasePorts({
      client: target.client, runner, project: target.project, config: { models, features }, gates: gatePorts(context, target, openRegistry), folder: context.cwd,
      fetch: (url, init) => fetch(url, init), credentialsFor: prometheusCredentials(context.env), watched,
    });
    try {
      return await work({ target, runner, reader: new ReleaseReader(ports), watched, openRegistry, readQuality: (model, signal) => ports.readQuality(model, ports.now(), signal) });
    } finally {
      ports.dispose();
    }
  });
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
