import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { candidateShare, readPredictions } from './exposure.ts';
import type { Share } from './exposure.ts';
import { requirements as mlflowRequirements, startMlflow } from './mlflow/server.ts';
import type { RunningMlflow } from './mlflow/server.ts';
import { writeFaults, type Faults } from './faults.ts';
import { SandboxError, freePort, messageOf, run } from './processes.ts';
import type { Log } from './processes.ts';
import { ensurePython } from './python.ts';
import { serviceAnswers, startService } from './service.ts';
import type { RunningService } from './service.ts';
import { startTraffic } from './traffic.ts';
import type { Traffic } from './traffic.ts';
import { dvcRequirements, isTrained, putRegistryAside, toolEnvironment, trainModels, trainingDigest } from './training.ts';
import type { Tools } from './training.ts';
import { modelFlag } from './unleash/flags.ts';
import { seed, seededSchema } from './unleash/seed.ts';
import type { Seeded } from './unleash/seed.ts';
import { startUnleash } from './unleash/start.ts';
import type { RunningUnleash } from './unleash/start.ts';
import { prepareWorkspace, template, templateDigest } from './workspace.ts';
import type { Addresses } from './workspace.ts';

/** Runs one step of starting: says its title, does it, says its outcome. */
export type Step = <T>(title: string, work: () => Promise<T>, outcome: (result: T) => string) => Promise<T>;

export interface WorldOptions {
  /** Holds everything: database, workspace, state. A second start on it reuses what is there. */
  dir: string;
  /** Every line of progress and of the processes' output, the latter with its origin in front (`unleash | …`). */
  log: Log;
  /** How steps are told; by default through `log`. There are `worldSteps` of them. */
  step?: Step;
  traffic?: { perSecond?: number };
  /** What goes wrong in the service. */
  faults?: Faults;
  /** Ports to take when they are free and no earlier start had others. */
  ports?: { unleash: number; service: number; mlflow: number };
  /** Gives up the start; what was started is ended. */
  signal?: AbortSignal | undefined;
  /** The folder of the virtual environments (`venv`, `mlflow`, `dvc`); shared by all worlds of the project by default. */
  venvsDir?: string;
}

export interface World {
  unleash: RunningUnleash;
  /** Personal access tokens by user (alice: Admin, eddy: Editor, vera: Viewer). */
  tokens: { alice: string; eddy: string; vera: string };
  /** All that seeding made: passwords, SDK tokens, the segment's id. */
  seeded: Seeded;
  service: { url: string };
  /** Tracking server and registry of the models. */
  mlflow: { url: string };
  /** What a shell needs to run the workspace's pipeline. */
  toolEnvironment: { PATH: string; MLFLOW_TRACKING_URI: string };
  traffic: Traffic;
  /** The folder that the editor opens. */
  workspace: string;
  /** The folder with `predictions-*.jsonl`. */
  predictionLog: string;
  /** File with ports, tokens and passwords, readable by its owner only. */
  stateFile: string;
  /** Share of users with the candidate of `credit-risk-v2`, from the records since a time (ms since 1970). */
  exposure(audience: 'customers' | 'internals', since: number): Share;
  /** What goes wrong in the service from now on. */
  setFaults(faults: Faults): void;
  /** So many applicants, each a new one, that the service asks and answers by itself: traffic as fast as it goes. Gives the answers by assigned arm. */
  answers(count: number): Promise<Record<string, number>>;
  /** Resolves with the name of a process that ended although nobody called `stop`. */
  broken: Promise<string>;
  /** Ends everything that was started; resolves when it is gone; may be called again. */
  stop(): Promise<void>;
}

export const worldSteps = 8;

const stateSchema = z.object({
  unleashPort: z.number().optional(),
  servicePort: z.number().optional(),
  mlflowPort: z.number().optional(),
  templateDigest: z.string().optional(),
  trainedDigest: z.string().optional(),
  suitesDigest: z.string().optional(),
  seeded: seededSchema.optional(),
});
type State = z.infer<typeof stateSchema>;

function readState(file: string): State {
  if (!existsSync(file)) return {};
  try {
    return stateSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new SandboxError(`${file} can't be read (${messageOf(error)}): delete that file to begin with new users and ports.`, { cause: error });
  }
}

class StateFile {
  readonly path: string;
  readonly values: State;

  constructor(path: string) {
    this.path = path;
    this.values = readState(path);
  }

  save(changes: State): void {
    Object.assign(this.values, changes);
    writeFileSync(this.path, `${JSON.stringify(this.values, null, 2)}\n`, { mode: 0o600 });
    chmodSync(this.path, 0o600);
  }
}

interface Building extends Required<Pick<WorldOptions, 'dir' | 'log' | 'step' | 'venvsDir'>> {
  state: StateFile;
  ports: WorldOptions['ports'];
  faults: Faults;
  signal: AbortSignal | undefined;
  /** What was started, in order; ended in reverse. */
  started: { stop(): Promise<void> }[];
}

/**
 * Starts the whole demo world: Python environments, MLflow, Unleash, seeding, workspace with trained models, inference service, traffic.
 * When a step fails or `signal` aborts, everything started before is ended and the reason is thrown.
 */
export async function startWorld({ dir, log, step, traffic, faults = {}, ports, signal, venvsDir }: WorldOptions): Promise<World> {
  mkdirSync(dir, { recursive: true });
  const building: Building = {
    dir, log, ports, faults, signal, started: [],
    step: step ?? loggedStep(log),
    venvsDir: venvsDir ?? fileURLToPath(new URL('../.sandbox', import.meta.url)),
    state: new StateFile(join(dir, 'state.json')),
  };
  try {
    return await build(building, traffic?.perSecond);
  } catch (error) {
    await stopAll(building.started);
    throw error;
  }
}

async function build(building: Building, perSecond: number | undefined): Promise<World> {
  const { dir, step, state, started } = building;
  const workspace = join(dir, 'workspace');
  const pythons = await step('Preparing Python', () => preparePython(building), ({ service }) => service);
  const trained = state.values.trainedDigest === trainingDigest() && isTrained(workspace);
  const booting = bootMlflow(building, pythons.mlflow, trained);
  const unleash = await step('Starting Unleash', () => bootUnleash(building), ({ url }) => url);
  const seeded = await step('Seeding flags, users and tokens', () => seed(unleash, state.values.seeded), () => `alice, eddy, vera; secrets in ${state.path}`);
  state.save({ seeded });
  const mlflow = await step('Starting MLflow', () => booting, ({ url }) => url);
  await step('Preparing the workspace and its models', async () => {
    await prepare(building, workspace, { unleash: unleash.url, mlflow: mlflow.url });
    if (!trained) await train(building, workspace, pythons, mlflow.url);
  }, () => workspace);
  await step('Running the suites of the models', () => recordSuites(building, workspace, pythons.service, { mlflowUrl: mlflow.url, isNew: !trained }), () => 'evidence at versions 13 and 14');
  const service = await step('Starting the inference service', () => bootService(building, workspace, pythons.service, unleash, seeded), ({ url }) => url);
  const traffic = await step('Starting traffic', () => {
    const running = startTraffic({ url: service.url, applicants: join(workspace, 'data', 'applicants.jsonl'), ...perSecond !== undefined && { perSecond } });
    started.push(running);
    return Promise.resolve(running);
  }, ({ users }) => `${users.length} users`);
  const predictionLog = join(workspace, 'logs');
  const internals = new Set(traffic.users.filter(({ group }) => group === 'internal').map(({ userId }) => userId));
  let stopping: Promise<void> | undefined;
  return {
    unleash, seeded, service, mlflow, traffic, workspace, predictionLog,
    toolEnvironment: toolEnvironment(pythons, mlflow.url),
    tokens: { alice: seeded.users.alice.token, eddy: seeded.users.eddy.token, vera: seeded.users.vera.token },
    stateFile: state.path,
    setFaults: (faults) => void writeFaults(dir, faults),
    answers: (count) => serviceAnswers(service.url, count),
    exposure: (audience, since) => candidateShare(readPredictions(predictionLog, since), modelFlag, (userId) => internals.has(userId) === (audience === 'internals')),
    broken: new Promise((resolve) => {
      for (const [name, { ended }] of [['Unleash', unleash], ['MLflow', mlflow], ['The inference service', service]] as const) void ended.then(() => stopping ?? resolve(name));
    }),
    stop: () => stopping ??= stopAll(started),
  };
}

async function bootUnleash({ dir, state, ports, log, signal, started }: Building): Promise<RunningUnleash> {
  const port = await freePort(state.values.unleashPort ?? ports?.unleash);
  const unleash = await startUnleash({ dataDir: join(dir, 'unleash'), port, log: prefixed(log, 'unleash'), signal });
  started.push(unleash);
  state.save({ unleashPort: port });
  return unleash;
}

interface Pythons extends Tools { service: string }

/** One virtual environment after the other: pip takes all there is of disk and network. */
async function preparePython({ venvsDir, log, signal }: Building): Promise<Pythons> {
  const ensure = (name: string, requirements: string): Promise<string> => ensurePython({ venvDir: join(venvsDir, name), requirements, log: prefixed(log, 'python'), signal });
  return { service: await ensure('venv', join(template, 'requirements.txt')), mlflow: await ensure('mlflow', mlflowRequirements), dvc: await ensure('dvc', dvcRequirements) };
}

/** Starts MLflow while others start too, on the registry that is there or an empty one. A failure shows when it is waited for; ending the world ends the start. */
function bootMlflow({ dir, state, ports, log, signal, started }: Building, python: string, keep: boolean): Promise<RunningMlflow> {
  const data = join(dir, 'mlflow');
  if (!keep) putRegistryAside(data);
  const abort = new AbortController();
  const booting = (async (): Promise<RunningMlflow> => {
    const port = await freePort(state.values.mlflowPort ?? ports?.mlflow);
    const mlflow = await startMlflow({ python, dir: data, port, log: prefixed(log, 'mlflow'), signal: signal === undefined ? abort.signal : AbortSignal.any([signal, abort.signal]) });
    state.save({ mlflowPort: port });
    return mlflow;
  })();
  booting.catch(() => undefined);
  started.push({ stop: async () => {
    abort.abort(new Error('the world ends'));
    await booting.then((mlflow) => mlflow.stop(), () => undefined);
  } });
  return booting;
}

async function prepare({ state }: Building, workspace: string, addresses: Addresses): Promise<void> {
  state.save({ templateDigest: await prepareWorkspace(workspace, addresses, state.values.templateDigest) });
}

async function train({ state, log, signal }: Building, workspace: string, tools: Tools, mlflowUrl: string): Promise<void> {
  await trainModels({ workspace, tools, mlflowUrl, log: prefixed(log, 'training'), signal });
  state.save({ trainedDigest: trainingDigest() });
}

/** As CI would: what the suites say of both versions stands in the registry, so that the promotion's gate finds it there. Version 13 fails one of them. */
async function recordSuites({ state, log, signal }: Building, workspace: string, python: string, { mlflowUrl, isNew }: { mlflowUrl: string; isNew: boolean }): Promise<void> {
  const digest = `${trainingDigest()} ${templateDigest()}`;
  if (!isNew && state.values.suitesDigest === digest) return;
  const program = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
  await run(process.execPath, [program, 'test', '--both', '--record', '--python', python], { cwd: workspace, env: { ...process.env, MLFLOW_TRACKING_URI: mlflowUrl }, log: prefixed(log, 'suites'), signal });
  state.save({ suitesDigest: digest });
}

async function bootService({ dir, state, ports, faults, log, signal, started }: Building, workspace: string, python: string, unleash: RunningUnleash, seeded: Seeded): Promise<RunningService> {
  const port = await freePort(state.values.servicePort ?? ports?.service);
  const service = await startService({
    python, workspace, port, unleashUrl: unleash.url, unleashToken: seeded.tokens.productionBackend,
    cacheDirectory: join(dir, 'unleash-client'), faults: writeFaults(dir, faults), log: prefixed(log, 'service'), signal,
  });
  started.push(service);
  state.save({ servicePort: port });
  return service;
}

function prefixed(log: Log, origin: string): Log {
  return (line) => log(`${origin} | ${line}`);
}

function loggedStep(log: Log): Step {
  return async (title, work, outcome) => {
    const result = await work();
    log(`${title} ... ${outcome(result)}`);
    return result;
  };
}

/** Ends things in the reverse of their order. One that fails does not keep the rest running. */
async function stopAll(started: readonly { stop(): Promise<void> }[]): Promise<void> {
  const failures: unknown[] = [];
  for (const thing of started.toReversed()) await thing.stop().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw new AggregateError(failures, `Not everything could be ended: ${failures.map(messageOf).join('; ')}`);
}
