import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { releasePorts } from '../../src/adapters/releases/releasePorts.ts';
import type { UnleashClient } from '../../src/adapters/unleash/unleashClient.ts';
import { AppError } from '../../src/core/base/errors.ts';
import type { ChangeRunner } from '../../src/core/flags/changeRunner.ts';
import { planStart } from '../../src/core/flags/startRollout.ts';
import { pin } from '../../src/core/flags/titles.ts';
import { guardRelease, type GuardPorts, type GuardReport } from '../../src/core/releases/guard.ts';
import { ReleaseReader, type ReleasePorts } from '../../src/core/releases/releaseReader.ts';
import { planAdvance } from '../../src/core/releases/stageChange.ts';
import type { ModelMapping } from '../../src/core/workspace/config.ts';
import { loadWorkspaceFile } from '../../src/core/workspace/load.ts';
import { lines, records } from './qualityRecords.ts';
import { archiveFlags, freshFlag, sharedUnleash, type SharedUnleash } from './unleash.ts';
import { clientOf, runnerOf } from './unleashClient.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
export const PLAN = '[{environment: production, percent: 5, gates: [], auto: true}, {environment: production, percent: 25, min_predictions: 2000, auto: true}, {environment: production, percent: 100}]';

export interface TestGuardPorts extends GuardPorts {
  readonly dispose: () => void;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One flag, its folder with `modelswitch.yaml` and prediction log, at some stage of its plan. */
export interface PlannedRelease {
  readonly flag: string;
  readonly folder: string;
  readonly model: ModelMapping;
  ports(client?: Pick<UnleashClient, 'readExposures' | 'clockOffset'>, runner?: ChangeRunner, more?: Partial<ReleasePorts>): TestGuardPorts;
  /** One look of a guard that has just been started. */
  look(): Promise<GuardReport>;
  /** Predictions as of the last event: with `at` the milliseconds after it. */
  traffic(share: number, candidateErrors: number, count?: number, at?: number): Promise<void>;
  production(): Promise<{ enabled: boolean; rollouts: readonly string[] }>;
  isExposed(): Promise<boolean>;
  advance(): Promise<void>;
}

export interface ReleaseOptions {
  readonly plan?: string;
  readonly guard?: string;
  readonly current?: string;
  readonly candidate?: string;
  /** Whether the file names the server. */
  readonly server?: boolean;
  /** Further lines of the model. */
  readonly more?: string;
}

/** Releases on a real Unleash; their predictions are written into the log at once, with the times at which a service would have written them. */
export class PlannedReleases {
  readonly unleash: SharedUnleash;
  readonly client: UnleashClient;
  readonly runner: ChangeRunner;
  readonly dir: string;
  readonly #prefix: string;
  #ids = 0;

  private constructor(unleash: SharedUnleash, client: UnleashClient, runner: ChangeRunner, prefix: string) {
    [this.unleash, this.client, this.runner, this.#prefix] = [unleash, client, runner, prefix];
    this.dir = mkdtempSync(join(tmpdir(), `modelswitch-${prefix}-`));
  }

  static async start(prefix: string): Promise<PlannedReleases> {
    const unleash = await sharedUnleash();
    const client = clientOf(unleash.url, unleash.tokens.eddy);
    return new PlannedReleases(unleash, client, await runnerOf(client), prefix);
  }

  async stop(): Promise<void> {
    await archiveFlags(this.#prefix);
    rmSync(this.dir, { recursive: true, force: true });
  }

  async release(stages: number, options: ReleaseOptions = {}): Promise<PlannedRelease> {
    const { plan = PLAN, guard = '{}', current = '13', candidate = '14', server = true, more = '' } = options;
    const { name: flag } = await freshFlag({ prefix: this.#prefix, environments: {} });
    const folder = mkdtempSync(join(this.dir, 'release-'));
    const text = `version: 1\n${server ? `unleash: {url: ${this.unleash.url}}\n` : ''}models:\n  fraud:\n    flag: ${flag}\n    current: "${current}"\n    candidate: "${candidate}"\n    guard: ${guard}\n    plan: ${plan}\n${more}    quality:\n      source: {log: log.jsonl}\n      window: 1s\n      guardrails: [{name: errors, bad: error}]\n`;
    writeFileSync(join(folder, 'modelswitch.yaml'), text);
    writeFileSync(join(folder, 'log.jsonl'), '');
    const { config, problems } = loadWorkspaceFile(text);
    assert.deepEqual(problems.filter(({ severity }) => severity === 'error'), []);
    const model = config!.models[0]!;
    const environments = [...new Set(model.plan!.map(({ environment }) => environment))];
    await this.runner.apply(planStart(await this.runner.read('default', flag), { environments, pin: pin('fraud', '14', '13') }));
    const made = this.#made(flag, folder, model);
    for (let stage = 0; stage < stages; stage += 1) await made.advance();
    return made;
  }

  #made(flag: string, folder: string, model: ModelMapping): PlannedRelease {
    const { client, runner, unleash } = this;
    const ports: PlannedRelease['ports'] = (own = client, ownRunner = runner, more = {}) => {
      const opened = this.readerPorts(model, folder, own, ownRunner);
      return { reader: new ReleaseReader({ ...opened, ...more }), runner: ownRunner, project: 'default', sleep: () => Promise.resolve(), keepEvidence: () => Promise.resolve(), dispose: opened.dispose };
    };
    const production = async (): Promise<{ enabled: boolean; rollouts: readonly string[] }> => {
      const { enabled, strategies } = (await unleash.as.alice.flag(flag))!.environments.find(({ name }) => name === 'production')!;
      return { enabled, rollouts: strategies.map(({ parameters }) => parameters['rollout'] ?? '') };
    };
    return {
      flag, folder, model, ports, production,
      look: async () => {
        const own = ports();
        try {
          return await guardRelease(own, model, flag);
        } finally {
          own.dispose();
        }
      },
      traffic: async (share, candidateErrors, count = 20_000, at = 0) => {
        const { events } = await runner.read('default', flag);
        const from = Math.ceil(Date.parse(events[0]!.createdAt) / 1000) * 1000 + at;
        const all = records({ count, share, candidateErrors, units: 1_000_000, seed: (this.#ids += 1), firstId: (this.#ids += count) });
        appendFileSync(join(folder, 'log.jsonl'), lines(all.map((record, index) => ({ ...record, flag, ts: new Date(from + Math.floor(2000 * index / count)).toISOString() }))));
      },
      isExposed: async () => {
        const { enabled, rollouts } = await production();
        return enabled && rollouts.some((each) => each !== '0');
      },
      advance: async () => {
        const outcome = await runner.apply(planAdvance(model.plan!, await runner.read('default', flag)).change);
        assert.equal(outcome.error, undefined);
      },
    };
  }

  readerPorts(model: ModelMapping, folder: string, client: Pick<UnleashClient, 'readExposures' | 'clockOffset'> = this.client, runner: ChangeRunner = this.runner): ReturnType<typeof releasePorts> {
    const refuse = (): Promise<never> => Promise.reject(new AppError('network', 'there is no registry here'));
    return releasePorts({
      client, runner, project: 'default', config: { models: [model], features: [] }, folder, fetch: (url, init) => fetch(url, init), credentialsFor: () => ({}),
      gates: { registry: refuse, readText: refuse, readFlag: () => Promise.resolve(undefined), suites: () => Promise.resolve([]), now: () => Date.now() },
    });
  }

  /** The command line in a release's folder; `begun` gets its process id; `program` is the packed one where it starts often. */
  run(folder: string, args: readonly string[], env: Record<string, string> = {}, begun: (pid: number) => void = () => undefined, program = main): Promise<Ended> {
    const child = spawn(process.execPath, [program, ...args], { cwd: folder, env: { ...process.env, UNLEASH_URL: this.unleash.url, UNLEASH_TOKEN: this.unleash.tokens.eddy, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    if (child.pid !== undefined) begun(child.pid);
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code, signal, ...output }));
    });
  }
}
