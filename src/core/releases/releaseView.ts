import { durationWords } from '../base/duration.ts';
import { ageWords, countWords, plainLine } from '../base/words.ts';
import { stageAudience, type Stage } from '../workspace/plan.ts';
import type { ReleaseAssessment } from './assessment.ts';
import { isExperiment } from './experiment.ts';
import { stageWords } from './stageChange.ts';
import type { VerdictWord } from './verdict.ts';

/** What a view shows about one release, as plain data: what it looks like is the view's. All texts are plain lines. */
export interface ReleaseRow {
  /** Distinct among its siblings. */
  readonly id: string;
  readonly label: string;
  readonly description: string;
  readonly tooltip: string;
  /** Name of a product icon. */
  readonly icon: string;
  readonly tone: 'good' | 'warning' | 'bad' | 'plain';
  /** What one may do with it, in words that menus go by. */
  readonly context: string;
  readonly children: readonly ReleaseRow[];
  /** The index of the way out among the release's `ways`, where the line offers one. */
  readonly way?: number;
  readonly collapsed?: boolean;
}

/** One release as a view knows it. */
export interface ReleaseShown {
  readonly model: string;
  readonly flag: string;
  readonly plan: readonly Stage[];
  /** Undefined before the first look. */
  readonly assessment: ReleaseAssessment | undefined;
  /** When the assessment was made, in milliseconds since 1970. */
  readonly lookedAt: number | undefined;
  /** Why the last look failed. */
  readonly failure: string | undefined;
  /** Whether the guard is on in this window. */
  readonly guarded: boolean;
  readonly now: number;
}

const LOOK: Readonly<Record<VerdictWord, { readonly icon: string; readonly tone: ReleaseRow['tone'] }>> = {
  advance: { icon: 'pass', tone: 'good' },
  hold: { icon: 'debug-pause', tone: 'plain' },
  'insufficient data': { icon: 'watch', tone: 'plain' },
  rollback: { icon: 'error', tone: 'bad' },
};

/** The line of a release: what is going out, where, stage i of n, the verdict in a word, how old the data is; below it everything that stands behind. */
export function releaseRow(shown: ReleaseShown): ReleaseRow {
  const { assessment, model, flag, failure, guarded, now, lookedAt } = shown;
  if (assessment === undefined) {
    const words = failure ?? 'looking...';
    return { ...line('release', plainLine(model, 60), plainLine(words, 120)), tooltip: plainLine(`${model} behind ${flag}: ${words}`, 400), icon: failure === undefined ? 'loading~spin' : 'warning', tone: failure === undefined ? 'plain' : 'warning', context: 'release unknown' };
  }
  const { verdict, pin, state, data } = assessment;
  const label = plainLine(pin === undefined ? model : `${model} ${pin.candidate} over ${pin.current}`, 80);
  const word = state === 'not started' || state === 'complete' ? state : verdict.word;
  const old = failure === undefined ? '' : `as of ${ageWords(now - (lookedAt ?? now))}`;
  const parts = [assessment.latch === undefined ? '' : 'latched', plainLine(whereWords(shown.plan, assessment), 60), assessment.stageWords, word, data.words, old];
  const { icon, tone } = assessment.latch === undefined ? state === 'not started' ? { icon: 'circle-outline', tone: 'plain' as const } : state === 'complete' && verdict.word === 'hold' ? { icon: 'pass-filled', tone: 'good' as const } : LOOK[verdict.word] : { icon: 'lock', tone: 'warning' as const };
  return {
    id: 'release', label, description: plainLine(parts.filter((part) => part !== '').join(' · '), 200), icon, tone: failure === undefined ? tone : 'warning',
    tooltip: [`${label} behind ${plainLine(flag, 100)}`, ...verdict.reasons.map(({ words }) => plainLine(words, 300)), ...(failure === undefined ? [] : [plainLine(failure, 300)])].join('\n'),
    context: ['release', ...abilities(shown, assessment), guarded ? 'guarded' : 'unguarded'].join(' '),
    children: [...failureRow(shown), ...latchRow(assessment), ...deviationRows(assessment), verdictRow(assessment), ...stageRows(shown.plan, assessment), evidenceRow(assessment), guardRow(shown)],
  };
}

/** Names of the menus' conditions. */
function abilities({ plan }: ReleaseShown, { next, rollback, latch, state, approval, verdict, position }: ReleaseAssessment): string[] {
  return [
    next.kind === 'change' && latch === undefined ? 'next' : '', rollback.kind === 'change' ? 'back' : '', latch === undefined ? '' : 'latched',
    state === 'last stage' && verdict.word !== 'rollback' && !isExperiment(plan) ? 'last' : '', state === 'last stage' && isExperiment(plan) ? (position.deviations.length > 0 ? 'experiment last' : 'experiment') : '', state === 'complete' ? 'complete' : '',
    approval?.given.length === 0 ? 'approvable' : '',
  ].filter((word) => word !== '');
}

function line(id: string, label: string, description = ''): ReleaseRow {
  return { id, label, description, tooltip: '', icon: 'circle-outline', tone: 'plain', context: '', children: [] };
}

function whereWords(plan: readonly Stage[], { stage, environment }: ReleaseAssessment): string {
  const reached = plan[stage];
  return reached === undefined ? environment : `${stageAudience(reached)} ${reached.percent} %`;
}

function failureRow({ failure }: ReleaseShown): ReleaseRow[] {
  return failure === undefined ? [] : [{ ...line('failure', plainLine(failure, 200)), tooltip: plainLine(failure, 500), icon: 'warning', tone: 'warning' }];
}

function latchRow({ latch }: ReleaseAssessment): ReleaseRow[] {
  if (latch === undefined) return [];
  return [{ ...line('latch', `The guard took ${plainLine(latch.environment, 40)} back`, 'nothing is raised until somebody re-arms'), tooltip: plainLine(`${latch.at} by ${latch.by}: ${latch.title}`, 400), icon: 'lock', tone: 'warning', context: 'latch' }];
}

function deviationRows({ position, ways, stageWords: reached }: ReleaseAssessment): ReleaseRow[] {
  if (position.deviations.length === 0) return [];
  const offered = ways.map(({ words }, index): ReleaseRow => ({ ...line(`way ${index}`, plainLine(words, 100)), icon: 'arrow-right', way: index, context: 'way' }));
  const messages = position.deviations.map(({ message }, index): ReleaseRow => ({ ...line(`deviation ${index}`, plainLine(message, 200)), icon: 'diff', tone: 'warning' }));
  return [{ ...line('deviations', `Not as the plan has it at ${reached}`), icon: 'warning', tone: 'warning', children: [...messages, ...offered] }];
}

function verdictRow({ verdict, state }: ReleaseAssessment): ReleaseRow {
  const [first, ...more] = verdict.reasons;
  const { icon, tone } = LOOK[verdict.word];
  const words = first === undefined ? 'all conditions of the stage are met' : plainLine(first.words, 200);
  return {
    ...line('verdict', `Verdict: ${verdict.word}`, words), tooltip: words, icon, tone: state === 'not started' ? 'plain' : tone, collapsed: true,
    children: more.map((reason, index) => ({ ...line(`reason ${index}`, plainLine(reason.words, 200)), tooltip: plainLine(reason.words, 400), icon: 'dash' })),
  };
}

function stageRows(plan: readonly Stage[], { stage: reached, verdict, look }: ReleaseAssessment): ReleaseRow[] {
  return plan.map((stage, index): ReleaseRow => {
    const here = index === reached;
    const progress = here && look.stage.holdMs > 0 && look.stage.heldMs < look.stage.holdMs ? `held ${durationWords(look.stage.heldMs)} of ${durationWords(look.stage.holdMs)}` : '';
    const state = index < reached ? 'left' : here ? 'here' : '';
    return {
      ...line(`stage ${index}`, plainLine(`${index + 1}. ${stageAudience(stage)} ${stage.percent} %`, 100), [state, progress, ...conditions(stage)].filter((part) => part !== '').join(' · ')),
      tooltip: `${stageWords(plan, index)}${here ? `, verdict ${verdict.word}` : ''}`,
      icon: index < reached ? 'pass-filled' : here ? 'circle-filled' : 'circle-large-outline', tone: here ? 'good' : 'plain', context: 'stage',
    };
  });
}

function conditions({ hold, minPredictions, gates, auto, weights }: Stage): string[] {
  return [
    ...(weights === undefined ? [] : [Object.entries(weights).map(([name, percent]) => `${plainLine(name, 30)} ${percent} %`).join(' / ')]),
    ...(hold > 0 ? [`hold ${durationWords(hold)}`] : []), ...(minPredictions > 0 ? [`${countWords(minPredictions)} predictions`] : []),
    ...(gates.includes('approval') ? ['approval'] : []), ...(auto ? ['auto'] : []),
  ];
}

function evidenceRow({ evidence, data }: ReleaseAssessment): ReleaseRow {
  const lines = evidence.map((words, index): ReleaseRow => ({ ...line(`evidence ${index}`, plainLine(words, 200)), tooltip: plainLine(words, 400), icon: 'dash' }));
  return { ...line('evidence', 'Evidence', data.words), icon: 'beaker', tooltip: 'What the verdict is made of', collapsed: true, children: lines };
}

function guardRow({ guarded }: ReleaseShown): ReleaseRow {
  return { ...line('guard', 'Guard', guarded ? 'on while this window is open' : 'off in this window'), tooltip: 'The guard of this window looks again and again, and takes exposure back by itself when a guardrail is breached.', icon: guarded ? 'shield' : 'circle-slash', tone: guarded ? 'good' : 'plain', context: guarded ? 'guard on' : 'guard off' };
}

/** Everything that somebody should have read before they say yes: the verdict first. */
export function evidenceBefore(assessment: ReleaseAssessment): string[] {
  const { verdict, evidence, data, stageWords: reached } = assessment;
  return [`Verdict at ${reached}: ${verdict.word}. ${data.words.replace(/^./, (letter) => letter.toUpperCase())}.`, ...evidence.slice(0, 8).map((words) => `- ${plainLine(words, 240)}`)];
}

/** What keeps a release from going on, by whether a person may go on all the same with a reason; gates that are asked anyway are left out. */
export function advanceHurdles(assessment: ReleaseAssessment, userId: number | undefined): { readonly final: readonly string[]; readonly overridable: readonly string[] } {
  const { verdict, latch, approval } = assessment;
  const final: string[] = [];
  const overridable: string[] = [];
  if (latch !== undefined) final.push(`The guard took ${plainLine(latch.environment, 40)} back: re-arm first.`);
  if (approval?.given.length === 0) final.push('This stage waits for the approval of another person: ask somebody to choose Approve.');
  else if (approval?.given.every(({ byId }) => byId === userId) === true) final.push('You approved this change yourself: whoever makes it has to be another person than who approved it.');
  if (verdict.word === 'rollback') final.push(...verdict.reasons.map(({ words }) => `${plainLine(words, 240)}: roll back instead.`));
  else for (const { kind, words } of verdict.reasons) {
    if (kind === 'latch' || kind === 'approval' || kind === 'gate' || kind === 'last stage' || (kind === 'data' && assessment.state === 'not started')) continue;
    overridable.push(plainLine(words, 240));
  }
  return { final, overridable };
}
