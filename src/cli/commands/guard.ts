import { rename, writeFile } from 'node:fs/promises';
import { AppError, toAppError } from '../../core/base/errors.ts';
import { durationWords, parseDuration } from '../../core/base/duration.ts';
import { plainLine } from '../../core/base/words.ts';
import { SKEW_MS } from '../../core/releases/clockObstacle.ts';
import { releaseJson } from '../../core/releases/assessmentText.ts';
import type { ReleaseAssessment } from '../../core/releases/assessment.ts';
import { guardRelease, type GuardPorts, type GuardReport, type GuardState } from '../../core/releases/guard.ts';
import { guardMetrics } from '../../core/releases/guardMetrics.ts';
import { unguarded } from '../../core/releases/unguarded.ts';
import type { ModelMapping } from '../../core/workspace/config.ts';
import { TAG_PREFIX } from '../../core/models/evidence.ts';
import { CONFIGURATION_FILE, writtenAt } from '../configuration.ts';
import { sleep } from '../../adapters/node/sleep.ts';
import { writeJson, type CliContext, type Command } from '../context.ts';
import { jsonable } from './quality.ts';
import { meantReleases, withReleases, type CliReleases } from '../releases.ts';

/** Exit codes of the guard by what it found, beside those of all commands; docs/guard.md lists them. */
const GUARD_EXIT: Readonly<Record<GuardState, number>> = { healthy: 0, advanced: 0, 'needs a person': 13, alarm: 12, unreadable: 12, breach: 10, 'rolled back': 10, 'not lowered': 11 };
/** Worst first. */
const ORDER: readonly GuardState[] = ['not lowered', 'rolled back', 'breach', 'unreadable', 'alarm', 'needs a person', 'advanced', 'healthy'];
/** States that somebody is told about. */
const TOLD: ReadonlySet<GuardState> = new Set(['not lowered', 'rolled back', 'alarm', 'unreadable', 'advanced']);
const WEBHOOK = 'MODELSWITCH_WEBHOOK_URL';
const WEBHOOK_TIMEOUT_MS = 5000;
const DEFAULT_EVERY_MS = 60_000;

export const guard: Command = {
  name: 'guard',
  usage: 'guard [--once | --watch [--every 1m]] [--model M] [--flag F] [--metrics-file FILE] [--dry-run] [--json]',
  summary: 'takes a release back when its guardrails are in breach',
  details: `It keeps nothing: run it from cron, CI or a container, as often and in as many places as you like. ${WEBHOOK} gets a JSON message. Exit: 0 healthy, 10 rolled back, 11 exposure could not be lowered, 12 alarm (blind, mismatch, champion), 13 a person is needed.`,
  options: { once: { type: 'boolean' }, watch: { type: 'boolean' }, every: { type: 'string' }, 'metrics-file': { type: 'string' } },
  run: (context) => withReleases(context, { decides: true, guards: true, isWatch: context.own['watch'] === true }, (releases) => run(context, releases)),
};

async function run(context: CliContext, releases: CliReleases): Promise<number> {
  const { own, signal } = context;
  const every = parseDuration(typeof own['every'] === 'string' ? own['every'] : '1m');
  if (every === undefined) throw new AppError('validation', '--every takes a duration, such as 30s or 5m.');
  if (own['watch'] === true && own['once'] === true) throw new AppError('validation', 'Give --once or --watch, not both.');
  let told = '';
  let toldSkew = '';
  let written = await writtenAt(context.cwd);
  for (;;) {
    const reports = await lookAtAll(context, releases);
    const skew = clockWords(releases.target.client.clockOffset);
    if (skew !== toldSkew && skew !== '') context.warn(skew);
    toldSkew = skew;
    const lastWritten = await writtenAt(context.cwd);
    if (!Object.is(lastWritten, written)) context.warn(`${CONFIGURATION_FILE} is not what it was when the guard began: it goes by the file as it was then until it is started anew.`);
    written = lastWritten;
    const now = JSON.stringify(reports.map(({ model, flag, state }) => [model, flag, state]));
    // What could not be delivered is news at the next look, too.
    if (await publish(context, reports, own['watch'] !== true || now !== told)) told = now;
    if (own['watch'] !== true) return GUARD_EXIT[ORDER.find((state) => reports.some((report) => report.state === state)) ?? 'healthy'];
    await sleep(Math.max(1000, every || DEFAULT_EVERY_MS), signal);
  }
}

/** @param offset by how many milliseconds Unleash's clock is ahead */
function clockWords(offset: number): string {
  if (Math.abs(offset) < SKEW_MS) return '';
  return `The clock of this machine is ${durationWords(Math.round(Math.abs(offset) / SKEW_MS) * SKEW_MS)} ${offset > 0 ? 'behind' : 'ahead of'} Unleash's: holds and the age of data go by Unleash's, but set it right.`;
}

async function lookAtAll(context: CliContext, releases: CliReleases): Promise<GuardReport[]> {
  const { reader, runner, target } = releases;
  const ports: GuardPorts = { reader, runner, project: target.project, sleep, keepEvidence: (assessment, words, signal) => keepEvidence(releases, assessment, words, signal) };
  const reports: GuardReport[] = [];
  await releases.watched?.begin(context.signal);
  const wrong = target.file === undefined ? [] : unguarded(target.file, context.options);
  const isWrong = ({ name }: ModelMapping): boolean => wrong.some(({ model }) => model === name);
  for (const { model, flag } of meantReleases(context, reader)) if (!isWrong(model)) reports.push(await guardRelease(ports, model, flag, { dryRun: context.options['dry-run'] === true, signal: context.signal }));
  return [...reports, ...wrong];
}

/** Evidence of a rollback at the candidate's version: one tag per flag and environment. */
async function keepEvidence({ target, openRegistry }: CliReleases, assessment: ReleaseAssessment, words: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  const { pin, flag, environment, model } = assessment;
  const mapping = target.config?.models.find(({ name }) => name === model);
  if (pin === undefined || mapping?.registeredModel === undefined) return;
  const registry = await openRegistry();
  if (!registry.capabilities.setTag) return;
  const value = JSON.stringify({ outcome: 'rolled back', by: 'guard', at: new Date().toISOString(), flag, environment, candidate: pin.candidate, current: pin.current, stage: assessment.stageWords, reasons: words.slice(0, 5).map((each) => plainLine(each, 300)) });
  await registry.setVersionTag(mapping.registeredModel, pin.candidate.replace(/^v(?=\d)/, ''), `${TAG_PREFIX}guard.${flag}.${environment}`.replace(/[^\w./-]+/g, '_').slice(0, 250), value, signal);
}

/** Whether everybody was told. */
async function publish(context: CliContext, reports: readonly GuardReport[], isNew: boolean): Promise<boolean> {
  const { options, write, warn, own } = context;
  const plain = reports.map(({ model, flag, environments, state, words, assessment, champion, change, outcome }) => ({
    model, flag, environments, state, words, ...(champion === undefined ? {} : { champion }),
    ...(change === undefined ? {} : { change: change.environments.map(({ environment, from, to }) => ({ environment, from, to })) }),
    ...(outcome === undefined ? {} : { readBack: outcome.environments }), ...(assessment === undefined ? {} : { release: releaseJson(assessment) }),
  }));
  if (options.json === true) writeJson(write, jsonable(plain));
  else for (const { model, flag, environments, state, words } of reports) write(`${new Date().toISOString()} ${plainLine(model, 60)} ${plainLine(flag, 60)} ${environments.map((each) => plainLine(each, 40)).join(', ')}: ${state}${words.length === 0 ? '' : `: ${words.map((each) => plainLine(each, 400)).join('; ')}`}\n`);
  const file = own['metrics-file'];
  if (typeof file === 'string') await writeMetrics(file, reports).catch((thrown: unknown) => warn(`The metrics could not be written: ${toAppError(thrown).message}`));
  const news = reports.filter(({ state }) => TOLD.has(state));
  return !isNew || news.length === 0 || options['dry-run'] === true || await notify(context, news);
}

/** Whole or not at all: whoever scrapes it never sees half a file. */
async function writeMetrics(file: string, reports: readonly GuardReport[]): Promise<void> {
  await writeFile(`${file}.tmp`, guardMetrics(reports, Date.now()));
  await rename(`${file}.tmp`, file);
}

/** The address comes from the environment only: a file of the repository cannot have messages sent anywhere. */
async function notify({ env, warn }: CliContext, reports: readonly GuardReport[]): Promise<boolean> {
  const url = env[WEBHOOK] ?? '';
  if (url === '') return true;
  const text = reports.map(({ model, flag, environments, state, words }) => `Modelswitch guard: ${model} (${flag}, ${environments.join(', ')}): ${state}: ${words.join('; ')}`).join('\n');
  try {
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ text, reports: reports.map(({ model, flag, environments, state, words }) => ({ model, flag, environments, state, words })) }), redirect: 'error', signal: AbortSignal.timeout(WEBHOOK_TIMEOUT_MS) });
    if (!answer.ok) warn(`${WEBHOOK} answered ${answer.status}: nobody was notified by it.`);
    return answer.ok;
  } catch (thrown) {
    warn(`${WEBHOOK} could not be reached: ${toAppError(thrown).name}.`);
    return false;
  }
}
