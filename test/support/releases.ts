import assert from 'node:assert/strict';
import type { ChangePlan } from '../../src/core/flags/changePlan.ts';
import type { ChangeOutcome, ChangeRunner } from '../../src/core/flags/changeRunner.ts';
import type { FlagEnvironment } from '../../src/core/flags/model.ts';
import type { FlagReading } from '../../src/core/flags/planner.ts';
import type { UnleashClient } from '../../src/adapters/unleash/unleashClient.ts';
import { sharedUnleash, type SharedUnleash } from './unleash.ts';
import { clientOf, runnerOf } from './unleashClient.ts';

/** Changes of flags of the shared server in production, in the name of eddy, read back after each. */
export interface Releases {
  readonly unleash: SharedUnleash;
  readonly client: UnleashClient;
  readonly runner: ChangeRunner;
  read(flag: string): Promise<FlagReading>;
  production(flag: string): Promise<FlagEnvironment>;
  change(flag: string, plan: (reading: FlagReading) => ChangePlan): Promise<ChangeOutcome>;
  /** Applies a plan that must succeed without a foreign change, and gives the plan. */
  done(flag: string, plan: (reading: FlagReading) => ChangePlan): Promise<ChangePlan>;
  /** `on` or `off`, then each strategy: its share, segments, and `disabled`. */
  state(flag: string): Promise<string>;
}

export async function startReleases(): Promise<Releases> {
  const unleash = await sharedUnleash();
  const client = clientOf(unleash.url, unleash.tokens.eddy);
  const runner = await runnerOf(client);
  const read = (flag: string): Promise<FlagReading> => runner.read('default', flag);
  const production = async (flag: string): Promise<FlagEnvironment> => (await read(flag)).detail.flag.environments.find(({ name }) => name === 'production')!;
  return {
    unleash, client, runner, read, production,
    change: async (flag, plan) => runner.apply(plan(await read(flag))),
    done: async (flag, plan) => {
      const made = plan(await read(flag));
      const { kind, error, foreign } = await runner.apply(made);
      assert.deepEqual([kind, error, foreign], ['done', undefined, []]);
      return made;
    },
    state: async (flag) => {
      const { enabled, strategies } = await production(flag);
      return [enabled ? 'on' : 'off', ...strategies.map(({ name, parameters, segments, constraints, disabled }) =>
        `${parameters['rollout'] ?? name}${segments.length > 0 ? ' segment' : ''}${constraints.length > 0 ? ' constrained' : ''}${disabled ? ' disabled' : ''}`)].join(', ');
    },
  };
}

/** Makes a state that Unleash only comes into when two requests cross, by crossing them until they do. */
export async function raced<T>(attempt: (round: number) => Promise<T | undefined>, rounds = 80): Promise<T> {
  for (let round = 0; round < rounds; round += 1) {
    const made = await attempt(round);
    if (made !== undefined) return made;
  }
  return assert.fail(`not once in ${rounds} rounds`);
}

/** Two requests of which the second is sent while the first is under way; Unleash may refuse either. */
export async function crossed(first: Promise<unknown>, second: () => Promise<unknown>, waitMs: number): Promise<void> {
  const settled = first.catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  await Promise.allSettled([settled, second()]);
}
