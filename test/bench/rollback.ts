/**
 * From a degradation of 2 to 4 % at 25 % to lowered exposure, as the service's SDK has it: a real Unleash, the real service with its log, the guard as `modelswitch guard` runs it. Run alone with
 * `node test/bench/rollback.ts [RUNS]`. Traffic goes through the service's own code as fast as it can; a minute is as many predictions as it has at `PER_SECOND`, and each rule looks once in a minute.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readPredictions } from '../../sandbox/exposure.ts';
import { modelFlag } from '../../sandbox/unleash/flags.ts';
import { sleep } from '../../src/adapters/node/sleep.ts';
import type { ChangePlan } from '../../src/core/flags/changePlan.ts';
import { planStart } from '../../src/core/flags/startRollout.ts';
import { pin } from '../../src/core/flags/titles.ts';
import { guardRelease, type GuardPorts } from '../../src/core/releases/guard.ts';
import { latches } from '../../src/core/releases/latch.ts';
import { planPosition } from '../../src/core/releases/position.ts';
import { ReleaseReader } from '../../src/core/releases/releaseReader.ts';
import { planAdvance, planRearm } from '../../src/core/releases/stageChange.ts';
import { loadWorkspaceFile } from '../../src/core/workspace/load.ts';
import type { ModelMapping } from '../../src/core/workspace/config.ts';
import { startCreditService, type CreditService } from '../support/creditService.ts';
import { PlannedReleases } from '../support/plannedReleases.ts';
import { stopSharedUnleash } from '../support/unleash.ts';
import { median, printTable, type BenchRow } from './table.ts';

const RUNS = 20;
const PER_SECOND = 50;
const LOOK = 60 * PER_SECOND;
/** A degraded candidate that is not noticed within so many minutes is an error of the bench. */
const MOST_LOOKS = 60;
const production = 'production';
const HEALTHY = { errors: { current: 0.02, candidate: 0.02 } };
const DEGRADED = { errors: { current: 0.02, candidate: 0.04 } };
const AT_25 = 2;
const FILE = `version: 1
models:
  credit-risk:
    flag: ${modelFlag}
    current: "13"
    candidate: "14"
    plan: [{environment: production, segment: internal, percent: 100, gates: []}, {environment: production, percent: 5, gates: []}, {environment: production, percent: 25, hold: 1h}, {environment: production, percent: 100}]
    quality:
      source: {log: logs/predictions-*.jsonl}
      window: 1s
      guardrails: [{name: errors, bad: error, max_ratio: 1.2, min_rate: 0.001}]
`;

/**
 * Flagger as in its documentation: every minute (`interval`), rolled back after 5 failed checks (`threshold`), which it does at the check after the fifth (pkg/controller/scheduler.go, `advanceCanary`).
 * Its example asks for a success rate of 99 %, which a healthy service with 2 % errors never has; between what is healthy here and what is not lies 97 %.
 */
const FLAGGER = { failedChecks: 5, mostErrors: 0.03 };

interface Ending {
  /** Predictions from the degradation to the look that decided. */
  readonly predictions: number;
  /** Milliseconds of that look, from the decision to the confirmed write, and from there until the service asks the candidate for nobody. */
  readonly look: number;
  readonly call: number;
  readonly propagation: number;
}

/** One way to take a release back: a look after each minute of traffic; undefined while it leaves the release as it is. */
type Rule = (bench: Bench) => (since: number) => Promise<Pick<Ending, 'look' | 'call'> | undefined>;

interface Bench {
  readonly releases: PlannedReleases;
  readonly service: CreditService;
  readonly model: ModelMapping;
  /** A user who has the candidate at 25 % and not at 5 %. */
  readonly user: string;
}

const guard: Rule = ({ releases, service, model }) => {
  const ports = releases.readerPorts(model, service.folder);
  const reader = new ReleaseReader(ports);
  return async () => {
    const begun = performance.now();
    let decided = begun;
    const timed: GuardPorts = {
      reader: { look: (...args) => reader.look(...args).finally(() => (decided = performance.now())) },
      runner: releases.runner, project: 'default', sleep, keepEvidence: () => Promise.resolve(),
    };
    const { state, words } = await guardRelease(timed, model, modelFlag);
    if (state === 'rolled back') return { look: decided - begun, call: performance.now() - decided };
    if (state !== 'healthy') throw new Error(`the guard says ${state}: ${words.join('; ')}`);
    return undefined;
  };
};

const flagger: Rule = ({ releases, service }) => {
  let failed = 0;
  return async (since) => {
    const begun = performance.now();
    const isOver = failed >= FLAGGER.failedChecks;
    const answers = readPredictions(join(service.folder, 'logs'), since).filter(({ flag, assigned_arm: arm }) => flag === modelFlag && arm === 'candidate');
    if (!isOver && answers.filter(({ error }) => error !== null).length > FLAGGER.mostErrors * answers.length) failed += 1;
    const decided = performance.now();
    if (!isOver) return undefined;
    const [everyone] = await everyoneOf(releases);
    await releases.unleash.as.alice.setRollout(modelFlag, production, everyone, 0);
    return { look: decided - begun, call: performance.now() - decided };
  };
};

async function everyoneOf({ unleash }: PlannedReleases): Promise<[id: string]> {
  const { strategies } = (await unleash.as.alice.flag(modelFlag))!.environments.find(({ name }) => name === production)!;
  return [strategies.find(({ segments }) => segments.length === 0)!.id];
}

async function applied({ runner }: PlannedReleases, change: ChangePlan): Promise<void> {
  const { error } = await runner.apply(change);
  if (error !== undefined) throw error;
}

/** Whatever came before: the release stands at 25 %, its evidence begins here, and the service's SDK knows. */
async function putAt25({ releases, service, model, user }: Bench): Promise<void> {
  const read = (): ReturnType<typeof releases.runner.read> => releases.runner.read('default', modelFlag);
  service.setFaults(HEALTHY);
  if (latches((await read()).events).length > 0) await applied(releases, planRearm(await read(), production));
  while (planPosition(model.plan!, await read()).stage < AT_25) await applied(releases, planAdvance(model.plan!, await read()).change);
  while (await service.predict(user, service.applicants[0]!) !== 'candidate') await sleep(50);
  // Evidence begins with the first whole window after the change.
  await sleep(1500);
}

async function run(bench: Bench, rule: Rule): Promise<Ending> {
  const { service, user } = bench;
  await putAt25(bench);
  const look = rule(bench);
  const minute = async (): ReturnType<typeof look> => {
    const since = Date.now();
    await service.answers(LOOK);
    return look(since);
  };
  if (await minute() !== undefined) throw new Error('a healthy release was taken back in its first minute: start again');
  service.setFaults(DEGRADED);
  for (let looks = 1; looks <= MOST_LOOKS; looks += 1) {
    const ended = await minute();
    if (ended === undefined) continue;
    const confirmed = performance.now();
    while (await service.predict(user, service.applicants[0]!) !== 'current') await sleep(10);
    const propagation = performance.now() - confirmed;
    const left = await service.answers(200);
    if (left['candidate'] !== undefined) throw new Error(`${left['candidate']} of 200 still get the candidate`);
    return { predictions: looks * LOOK, propagation, ...ended };
  }
  throw new Error(`not noticed within ${MOST_LOOKS} minutes`);
}

async function prepared(releases: PlannedReleases, service: CreditService): Promise<Bench> {
  const { config, problems } = loadWorkspaceFile(FILE);
  const model = config?.models[0];
  if (model === undefined || problems.some(({ severity }) => severity === 'error')) throw new Error(problems.map(({ message }) => message).join('; '));
  await applied(releases, planStart(await releases.runner.read('default', modelFlag), { environments: [production], pin: pin('credit-risk', '14', '13'), segments: ['internal'] }));
  const [everyone] = await everyoneOf(releases);
  const armAt = async (percent: number): Promise<(user: string) => Promise<string>> => {
    await releases.unleash.as.alice.setRollout(modelFlag, production, everyone, percent);
    await releases.unleash.as.alice.switchEnvironment(modelFlag, production, 'on');
    await sleep(3000);
    return (user) => service.predict(user, service.applicants[0]!);
  };
  const users = Array.from({ length: 100 }, (_, index) => `probe-${index}`);
  const at5 = await armAt(5);
  const outside: string[] = [];
  for (const user of users) if (await at5(user) === 'current') outside.push(user);
  const at25 = await armAt(25);
  let found: string | undefined;
  for (const user of outside) if (found === undefined && await at25(user) === 'candidate') found = user;
  if (found === undefined) throw new Error('none of 100 users gets the candidate at 25 %');
  await releases.unleash.as.alice.setRollout(modelFlag, production, everyone, 0);
  return { releases, service, model, user: found };
}

/** Median and worst of each part, beside a threshold rule with Flagger's defaults, in turns. */
export async function benchRollback(runs: number = RUNS): Promise<BenchRow[]> {
  const releases = await PlannedReleases.start('bench');
  const service = await startCreditService(HEALTHY);
  try {
    const bench = await prepared(releases, service);
    const [ours, theirs]: [Ending[], Ending[]] = [[], []];
    for (let round = 0; round < runs; round += 1) {
      ours.push(await run(bench, guard));
      theirs.push(await run(bench, flagger));
    }
    const rows = (name: string, unit: string, of: (ending: Ending) => number): BenchRow[] => [['median', median], ['worst', (values: number[]) => Math.max(...values)]].map(([which, fold]) => ({
      name: `${name}, ${String(which)} of ${runs}`, value: (fold as typeof median)(ours.map(of)), unit, baseline: { name: 'five failed checks, as Flagger', value: (fold as typeof median)(theirs.map(of)) },
    }));
    return [
      ...rows('detection: predictions from the degradation to the look that decides', '', ({ predictions }) => predictions),
      ...rows(`the same at ${PER_SECOND} predictions a second`, 's', ({ predictions }) => predictions / PER_SECOND),
      ...rows('that look: reading Unleash and the log, and judging', 'ms', ({ look }) => look),
      ...rows('call: from the decision to the confirmed write', 'ms', ({ call }) => call),
      ...rows('propagation: from there until the SDK has it (polls every second)', 'ms', ({ propagation }) => propagation),
      ...rows(`all together at ${PER_SECOND} predictions a second`, 's', ({ predictions, look, call, propagation }) => predictions / PER_SECOND + (look + call + propagation) / 1000),
    ];
  } finally {
    await service.stop();
    await releases.stop();
    await stopSharedUnleash();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) printTable(await benchRollback(process.argv[2] === undefined ? RUNS : Number(process.argv[2])));
