import { toAppError } from '../base/errors.ts';
import { durationWords } from '../base/duration.ts';
import { ageWords, countWords, plainLine } from '../base/words.ts';
import type { ChangePlan } from '../flags/changePlan.ts';
import { environmentOf, type FlagEnvironment } from '../flags/model.ts';
import { environmentPins, segmentMap, situation, type FlagReading } from '../flags/planning.ts';
import { maxExposure } from '../flags/rollout.ts';
import { pinsModel, type Pin } from '../flags/titles.ts';
import { movedWords, type MovedPin } from '../models/mapping.ts';
import { GUARD_DEFAULTS, type GuardSettings } from '../workspace/guard.ts';
import type { ModelMapping } from '../workspace/config.ts';
import type { Stage } from '../workspace/plan.ts';
import type { QualityData, QualityRequest } from '../quality/window.ts';
import { allocations, comparedDuring, countedFrom, drawnSince, evidenceStart, isForAll, parentsLimit, type EvidenceStart } from './allocation.ts';
import { approvalDigest, approvalsOf, type Approval } from './approval.ts';
import { armVariants } from './armVariants.ts';
import { countersWords, dataAge, lateAfter, newestData, type DataAge } from './dataAge.ts';
import { qualityFindings, type ExposureCount, type Findings } from './findings.ts';
import { latches, type Latch } from './latch.ts';
import { clockObstacle } from './clockObstacle.ts';
import { loggedObstacle, loggedSince } from './loggedVersions.ts';
import { aloneFrom, membersOf } from './members.ts';
import { planPosition, planVisits, type Position } from './position.ts';
import { planAdvance, planStageAgain, planStepDown, planWayOn, stageBefore, stageWords } from './stageChange.ts';
import { quietArms, quietServices, type QuietArm } from './quietArms.ts';
import { verdictOf, type GateFinding, type Look, type Verdict } from './verdict.ts';

/** What a source of observations told, or why it told nothing. */
export type QualityLook =
  | { readonly kind: 'data'; readonly data: QualityData }
  /** `last`: what the same process read before, if anything. */
  | { readonly kind: 'failed'; readonly because: string; readonly last?: QualityData }
  /** The model has no `quality:`. */
  | { readonly kind: 'none' };

/** Everything that one look at one release knows. It holds nothing that another process could not read as well. */
export interface ReleaseLook {
  /** Milliseconds since 1970, by the server's clock where that is known. */
  readonly now: number;
  readonly model: ModelMapping;
  readonly reading: FlagReading;
  readonly quality: QualityLook;
  /** Unleash's counters; undefined: they could not be read. */
  readonly exposures?: readonly ExposureCount[] | undefined;
  /** What gates say that ask something else than live data: suites, compatibility. */
  readonly gates: readonly GateFinding[];
  /** Versions that are not the pinned ones any more. Nothing for a registry that does not answer. */
  readonly moved: readonly MovedPin[];
  /** Of a text, as 64 hex digits: SHA-256. */
  readonly sha256: (text: string) => string;
}

/** A way out of a state that is not as the plan has it, or a change that a release offers; each is asked for and confirmed like any other. */
export interface Way {
  /** `Go back to stage 2 of 5`. */
  readonly words: string;
  readonly change: ChangePlan;
}

/** A change, or a sentence why there is none now. */
export type Offer = { readonly kind: 'change'; readonly to: number; readonly change: ChangePlan } | { readonly kind: 'none'; readonly because: string };

/** What a look says about the release of one model behind one flag: all that the command line, the guard and the editor show or do. */
export interface ReleaseAssessment {
  readonly model: string;
  readonly flag: string;
  /** Under way from the first exposure until the last stage is left, which completion does: the alias of what serves names the candidate then. */
  readonly state: 'not started' | 'under way' | 'last stage' | 'complete';
  /** Pinned versions in words; undefined where nothing is pinned. */
  readonly pin?: Pin;
  /** The environment of the stage that was reached, or of the first one. */
  readonly environment: string;
  /** Index of the reached stage, -1 before the first. */
  readonly stage: number;
  readonly stages: number;
  /** `stage 2 of 5`. */
  readonly stageWords: string;
  readonly position: Position;
  /** Empty where everything is as the plan has it. */
  readonly ways: readonly Way[];
  readonly since: EvidenceStart;
  readonly look: Look;
  readonly verdict: Verdict;
  /** The evidence in lines, the first of them the reasons of the verdict. */
  readonly evidence: readonly string[];
  readonly data: DataAge;
  /** The comparisons that findings are made of, for views. */
  readonly comparisons: Findings['reports'];
  /** A guard's rollback that nobody has re-armed, in any environment of the plan. */
  readonly latch?: Latch;
  readonly next: Offer;
  /** Takes the environments that are in breach, or blind where that takes back (else the one of the stage), back as `guard:` says. */
  readonly rollback: Offer;
  /** What an approval of the next change has to name, and those that do, newest first; one of them has to be by another user than who makes the change. */
  readonly approval?: { readonly digest: string; readonly given: readonly Approval[] };
  readonly needsPerson: boolean;
}

interface Watch {
  readonly environment: FlagEnvironment;
  readonly since: EvidenceStart;
  readonly findings: Findings | undefined;
  readonly blind: { readonly words: string } | undefined;
  readonly unread: { readonly words: string } | undefined;
  readonly quiet: readonly QuietArm[];
  readonly data: DataAge;
}

const NO_FINDINGS: Findings = { guardrails: [], signals: [], acceptance: [], mismatches: [], reports: [] };

/**
 * A pure function of what is known now: called a thousand times, or in two processes, it says the same. Undefined for a model without a plan for this flag.
 *
 * Guardrails are judged in every environment that the plan exposes, everything else in the one of the stage that was reached.
 */
export function assessRelease(known: ReleaseLook): ReleaseAssessment | undefined {
  const { model, reading, now } = known;
  const plan = model.plan ?? [];
  const { flag } = reading.detail;
  if (plan.length === 0 || !model.switches.some((entry) => entry.flag === flag.name)) return undefined;
  const settings = model.guard ?? GUARD_DEFAULTS;
  const position = planPosition(plan, reading);
  const reached = plan[position.stage];
  const environment = stageEnvironment(plan, position);
  const exposed = exposedEnvironments(plan, reading);
  const began = stageBegan(plan, reading, position.stage);
  const watches = exposed.map((each) => watch(known, each, each.name === environment && reached !== undefined ? { ...reached, began } : undefined, settings));
  const started = watches.length > 0;
  const main = watches.find((each) => each.environment.name === environment);
  const since = main?.since ?? evidenceStart(reading, environment, model.name);
  // Also that of an environment which the plan has no more: who edits a plan re-arms nothing. Where Unleash has none of that name any more, nobody could.
  const latch = latches(reading.events).filter((each) => environmentOf(flag, each.environment) !== undefined).at(-1);
  const pin = pinOf(reading, environment, model.name);
  const next = offer(() => planAdvance(plan, reading));
  const findings = main?.findings ?? NO_FINDINGS;
  const others = watches.filter((each) => each !== main).flatMap((each) => (each.findings?.guardrails ?? []).filter(({ state }) => state === 'breach').map((finding) => ({ ...finding, words: `${each.environment.name}: ${finding.words}` })));
  const wanted = new Set(reached?.gates ?? []);
  const isComplete = position.stage === plan.length - 1 && known.moved.some(({ side, now: named }) => side === 'off' && named === pin?.candidate);
  const heard = watches.filter((each) => isHeard(each.environment, environment));
  const blind = main?.blind ?? heard.find((each) => each.blind !== undefined)?.blind;
  const standstill = started && position.deviations.length === 0 && position.stage < plan.length - 1 ? standstillOf(next) : [];
  const unread = watches.find((each) => each.unread !== undefined)?.unread;
  const quiet = heard.flatMap((each) => each.quiet);
  const withoutApproval: Look = {
    guardrails: [...findings.guardrails, ...others], signals: findings.signals, acceptance: findings.acceptance, asksStatistics: asksStatistics(reached, model, main?.findings), mismatches: findings.mismatches,
    gates: known.gates.filter(({ name }) => !isGate(name) || wanted.has(name)),
    ...(blind === undefined ? {} : { blind }), onBlind: settings.onBlind,
    ...(quiet.length === 0 ? {} : { quiet }),
    ...(unread === undefined ? {} : { unread }),
    ...(latch === undefined ? {} : { latch: { words: `the guard took ${plainLine(latch.environment, 40)} back ${ageWords(now - Date.parse(latch.at))}; nothing is raised until somebody re-arms` } }),
    obstacles: isComplete ? [] : [...position.deviations.map(({ message }) => ({ words: message })), ...known.moved.map((each) => ({ words: movedWords(each) })), ...loggedObstacle(known, environment, pin, since.at), ...clockObstacle(known, environment), ...standstill],
    stage: { ...stageProgress(known, plan, position.stage, { began, since }, environment), ...(isComplete ? { completedBy: plainLine(model.current, 40) } : {}) },
  };
  const approval = wanted.has('approval') && next.kind === 'change' ? approvalFor(known, next.change, withoutApproval, pin, since) : undefined;
  const look: Look = approval === undefined ? withoutApproval : { ...withoutApproval, approval: approval.given.length === 0 ? 'missing' : 'given' };
  const verdict: Verdict = started ? verdictOf(look) : notStarted(latch, look);
  const breached = watches.filter((each) => each.findings?.guardrails.some(({ state }) => state === 'breach') === true);
  const called = breached.length > 0 || verdict.word !== 'rollback' ? breached : heard.filter((each) => each.blind !== undefined);
  return {
    model: model.name, flag: flag.name,
    state: !started ? 'not started' : position.stage < plan.length - 1 ? 'under way' : isComplete ? 'complete' : 'last stage',
    ...(pin === undefined ? {} : { pin }),
    environment, stage: position.stage, stages: plan.length, stageWords: stageWords(plan, position.stage), position,
    ways: waysBack(plan, position, reading), since, look, verdict, evidence: evidenceLines(verdict, look),
    data: main?.data ?? { state: 'not set up', words: 'nobody gets the candidate' }, comparisons: findings.reports,
    ...(latch === undefined ? {} : { latch }), next,
    rollback: offerRollback(plan, position.stage, reading, called.length > 0 ? called.map((each) => each.environment.name) : [environment], settings, verdict),
    ...(approval === undefined ? {} : { approval }),
    needsPerson: verdict.needsPerson || latch !== undefined || (position.deviations.length > 0 && !isComplete),
  };
}

/** A stage that does not list its gates asks for statistics where guardrails are set up and somebody logs. */
function asksStatistics(stage: Stage | undefined, { quality }: ModelMapping, findings: Findings | undefined): boolean {
  if (stage?.gates.includes('statistics') !== true) return false;
  return stage.areGatesListed === true || (findings !== undefined && quality?.metrics.some(({ role }) => role === 'guardrail') === true);
}

/** Where nothing deviates and yet no change leads on: what keeps it back stands in the change that was tried. */
function standstillOf(next: Offer): { readonly words: string }[] {
  const messages = next.kind === 'none' ? [next.because] : next.change.blockers.map(({ message }) => message);
  return messages.map((message) => ({ words: message.replace(/\.$/, '') }));
}

const GATES: ReadonlySet<string> = new Set(['suites', 'compatibility']);
function isGate(name: string): name is 'suites' | 'compatibility' {
  return GATES.has(name);
}

/** Those of the plan in which somebody gets the candidate. */
function exposedEnvironments(plan: readonly Stage[], reading: FlagReading): FlagEnvironment[] {
  const segments = segmentMap(reading.segments);
  return [...new Set(plan.map(({ environment }) => environment))].flatMap((name) => environmentOf(reading.detail.flag, name) ?? []).filter((each) => maxExposure(each, segments) > 0);
}

/** In which environment the stage is that was reached, or the first one of the plan. */
function stageEnvironment(plan: readonly Stage[], { stage }: Position): string {
  return (plan[stage] ?? plan[0])?.environment ?? '';
}

/** In an environment that the ramp has left nobody need be there, but in production: a developer's own is quiet at night. */
function isHeard({ name, type }: FlagEnvironment, main: string): boolean {
  return name === main || type === 'production';
}

/**
 * From when on a source is asked, in milliseconds since 1970: from the beginning of the oldest evidence in the environments that are listened to, the last one of the plan where nobody gets the candidate yet; `from` where members of a
 * segment had it alone before. Undefined where that is not known.
 */
export function evidenceBegan({ plan = [], name: model, quality }: ModelMapping, reading: FlagReading): Pick<QualityRequest, 'since' | 'from'> {
  const main = stageEnvironment(plan, planPosition(plan, reading));
  const heard = exposedEnvironments(plan, reading).filter((each) => isHeard(each, main)).map(({ name }) => name);
  const starts = (heard.length > 0 ? heard : [plan.at(-1)?.environment ?? '']).map((name) => ({ name, start: evidenceStart(reading, name, model) }));
  const since = earliest(starts.flatMap(({ start }) => countedFrom(start) ?? []));
  const from = quality === undefined ? undefined : earliest(starts.flatMap(({ name, start }) => aloneFrom(reading, name, quality, start) ?? []));
  return { since, from };
}

function earliest(times: readonly number[]): number | undefined {
  return times.length === 0 ? undefined : Math.min(...times);
}

function pinOf(reading: FlagReading, environment: string, model: string): Pin | undefined {
  return environmentOf(reading.detail.flag, environment) === undefined ? undefined : environmentPins(situation(reading, environment)).find((each) => pinsModel(each, model));
}

function notStarted(latch: Latch | undefined, look: Look): Verdict {
  const words = latch === undefined ? 'nobody gets the candidate: the release begins with the first advance' : look.latch?.words ?? '';
  return { word: 'hold', reasons: [{ kind: latch === undefined ? 'data' : 'latch', words }], alarm: false, needsPerson: latch !== undefined };
}

/** What is seen of one environment. */
function watch(known: ReleaseLook, environment: FlagEnvironment, stage: (Stage & { readonly began: number }) | undefined, settings: GuardSettings): Watch {
  const { model, reading, quality, now } = known;
  const { name } = environment;
  const variants = armVariants(model, reading.detail.flag.name);
  const exposure = evidenceStart(reading, name, model.name);
  const definition = model.quality;
  if (definition === undefined || quality.kind === 'none') return { environment, since: exposure, findings: undefined, blind: undefined, unread: undefined, quiet: [], data: { state: 'not set up', words: `${model.name} has no quality: in modelswitch.yaml, so nothing is compared` } };
  const data = newestData(quality);
  const since = loggedSince(exposure, data, name);
  const given = allocations(reading, name, variants.candidateVariant, variants.currentVariant);
  const findings = data === undefined ? undefined : qualityFindings({
    data, definition, environment: name, variants, since: countedFrom(since), began: since.at, alone: since.because === 'exposure' ? since.alone ?? Number.NEGATIVE_INFINITY : undefined, now, comparable: drawnSince(given, since.at).length > 0, isForAll: (from) => isForAll(drawnSince(given, from)), members: membersOf(reading, name, definition, since, given), exposures: known.exposures, lateMs: lateAfter(settings),
    shareAt: (start, end) => comparedDuring(given, start, end), unchecked: parentsLimit(reading, name), statistics: stage === undefined || stage.gates.includes('statistics'),
    ...(stage !== undefined && stage.began > (since.at ?? Number.NEGATIVE_INFINITY) ? { stageSince: stage.began } : {}),
  });
  const seen = dataAge(quality, data, name, now, since, settings);
  // Where nobody ever logged and no sample is asked for, such as a developer's own environment, nothing is missing.
  const isWatched = environment.type === 'production' || seen.lastSeen !== undefined || (stage?.minPredictions ?? 0) > 0;
  if (!isWatched) return { environment, since, findings: undefined, blind: undefined, unread: undefined, quiet: [], data: seen };
  // Where nothing at all is fresh, no arm is told from the other.
  const listened = data === undefined || seen.blind !== undefined ? undefined : { data, environment: name, variants, exposures: known.exposures, since: since.at, now, given, settings };
  const quiet = listened === undefined ? [] : [...quietArms(listened), ...quietServices(listened)];
  return { environment, since, findings, quiet: quiet.map(({ words, ...each }) => ({ ...each, words: `${words}${countersWords(known, name)}` })), blind: seen.blind === undefined ? undefined : { words: `${seen.blind}${countersWords(known, name)}` }, unread: seen.unread === undefined ? undefined : { words: seen.unread }, data: seen };
}

/** When the present visit of a stage began, in milliseconds since 1970; -Infinity where that is before what the log tells. */
function stageBegan(plan: readonly Stage[], reading: FlagReading, index: number): number {
  const visits = planVisits(plan, reading);
  const first = visits[visits.findLastIndex((visit) => visit.stage !== index || visit.deviations.length > 0) + 1];
  return first?.since === undefined ? Number.NEGATIVE_INFINITY : Date.parse(first.since);
}

/** How long the stage has lasted, and how many predictions of the candidate it has seen; both begin anew with the evidence. */
function stageProgress({ quality, now }: ReleaseLook, plan: readonly Stage[], index: number, { began: reached, since }: { readonly began: number; readonly since: EvidenceStart }, environment: string): Look['stage'] {
  const began = Math.max(reached, since.because === 'exposure' ? Number.NEGATIVE_INFINITY : since.at ?? Number.NEGATIVE_INFINITY);
  const data = newestData(quality);
  const predictions = (data?.windows ?? []).filter((each) => each.environment === environment && each.arm === 'candidate' && each.slice === undefined && each.start >= began).reduce((sum, each) => sum + each.requests, 0);
  const stage = plan[index];
  return {
    heldMs: Number.isFinite(began) ? Math.max(0, now - began) : Number.MAX_SAFE_INTEGER, holdMs: stage?.hold ?? 0,
    predictions, minPredictions: stage?.minPredictions ?? 0, isLast: index === plan.length - 1,
  };
}

function approvalFor({ reading, sha256 }: ReleaseLook, change: ChangePlan, look: Look, pin: Pin | undefined, since: EvidenceStart): NonNullable<ReleaseAssessment['approval']> {
  const digest = approvalDigest(change, look, pin, since, sha256);
  return { digest, given: approvalsOf(reading, change, digest) };
}

function waysBack(plan: readonly Stage[], { stage, deviations }: Position, reading: FlagReading): Way[] {
  if (deviations.length === 0) return [];
  const environments = [...new Set(deviations.filter(({ kind }) => kind !== 'less').map(({ environment }) => environment))];
  const back = environments.map((name) => ({ words: `Go back to ${stageWords(plan, stage)} in ${name}`, change: planStepDown(plan, stage, reading, name, 'person') }));
  const on = planWayOn(plan, stage, reading);
  const again = deviations.some(({ kind }) => kind === 'less') ? planStageAgain(plan, stage, reading) : undefined;
  return [
    ...back.filter(({ change }) => change.environments.some(({ steps }) => steps.length > 0)),
    ...(again === undefined ? [] : [{ words: `Set what ${stageWords(plan, stage)} has`, change: again }]),
    ...(on === undefined ? [] : [{ words: `Go on to ${stageWords(plan, stage + 1)}`, change: on }]),
  ];
}

function offer(plan: () => { readonly to: number; readonly change: ChangePlan }): Offer {
  try {
    return { kind: 'change', ...plan() };
  } catch (thrown) {
    return { kind: 'none', because: toAppError(thrown).message };
  }
}

function offerRollback(plan: readonly Stage[], stage: number, reading: FlagReading, environments: readonly string[], { onBreach }: GuardSettings, verdict: Verdict): Offer {
  const [reason] = verdict.word === 'rollback' ? verdict.reasons : [];
  const changes = environments.map((name) => {
    const to = onBreach === 'zero' ? -1 : stageBefore(plan, stage, name);
    return { to, change: planStepDown(plan, to, reading, name, verdict.word === 'rollback' ? 'guard' : 'person', reason === undefined ? {} : { reason: plainLine(reason.words, 80) }) };
  });
  const [first] = changes;
  // What somebody else's strategy keeps up is a blocker, and no step: then there is something to take back.
  if (first === undefined || changes.every(({ change: { environments: changed, blockers } }) => blockers.length === 0 && changed.every(({ steps }) => steps.length === 0))) return { kind: 'none', because: 'Nobody gets the candidate, so there is nothing to take back.' };
  return { kind: 'change', to: first.to, change: changes.map(({ change }) => change).reduce((a, b) => ({ ...a, environments: [...a.environments, ...b.environments], blockers: [...a.blockers, ...b.blockers], warnings: [...a.warnings, ...b.warnings] })) };
}

function evidenceLines(verdict: Verdict, look: Look): string[] {
  const withService = ({ service, words }: { readonly service?: string; readonly words: string }): string => (service === undefined ? words : `${plainLine(service, 40)}: ${words}`);
  const { heldMs, holdMs, predictions, minPredictions } = look.stage;
  const progress = [
    ...(holdMs > 0 ? [`held for ${heldMs === Number.MAX_SAFE_INTEGER ? 'longer than the log tells' : durationWords(heldMs)} (at least ${durationWords(holdMs)})`] : []),
    ...(minPredictions > 0 ? [`${countWords(predictions)} predictions of the candidate (at least ${countWords(minPredictions)})`] : []),
  ];
  return [...new Set([...verdict.reasons.map(({ words }) => words), ...look.guardrails.map(withService), ...look.signals.map(withService), ...look.gates.map(({ words }) => words), ...progress])];
}
