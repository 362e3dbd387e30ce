import { durationWords } from '../base/duration.ts';
import { countWords } from '../base/words.ts';

/** What the guard and the editor do about a release, worst first. */
export type VerdictWord = 'rollback' | 'hold' | 'insufficient data' | 'advance';

/** One thing that bears on a verdict, in words that stand alone: `errors 4.1 % vs 2.0 % (n 12.8k), ratio above 1.2`. */
interface Finding {
  /** Where one flag serves several services: which one. */
  readonly service?: string;
  readonly words: string;
}

/** A guardrail's answer. `breach` is evidence that holds however often one looks; `insufficient` says nothing about the candidate. */
export interface GuardrailFinding extends Finding {
  readonly name: string;
  readonly state: 'breach' | 'clear' | 'insufficient';
  /** Whether it says nothing because what the arms tell is not alike, which does not pass by waiting: nothing guards, so somebody is to know. */
  readonly isVoid?: boolean;
}

/** A signal's answer: worse than allowed holds the ramp, and never rolls back. */
export interface SignalFinding extends Finding {
  readonly name: string;
  readonly state: 'worse' | 'clear' | 'insufficient';
}

/** Evidence for advancing: that the candidate is not worse by more than is accepted. */
export interface AcceptanceFinding extends Finding {
  readonly name: string;
  /** `no control`: nobody is left to compare with, so that there is nothing to be shown. */
  readonly state: 'accepted' | 'open' | 'no control';
}

/** A gate that asks something else than live data: suites, compatibility. */
export interface GateFinding extends Finding {
  readonly name: string;
  readonly state: 'open' | 'shut';
}

/** Everything that one look knows. All times are milliseconds. */
export interface Look {
  readonly guardrails: readonly GuardrailFinding[];
  readonly signals: readonly SignalFinding[];
  readonly acceptance: readonly AcceptanceFinding[];
  /** The stage asks for such evidence; without a finding of it nothing goes on. */
  readonly asksStatistics: boolean;
  readonly gates: readonly GateFinding[];
  /** How old the newest data is where it is older than `blind_after`; undefined while the guard sees. */
  readonly blind?: Finding;
  /** Arms with a share of which nothing is told any more while the other is heard of: that holds and alarms, and takes nothing back, whatever `onBlind` is. Missing where there are none. */
  readonly quiet?: readonly Finding[];
  /** Why the source could not be read at this look, while what it told before is fresh enough: a breach counts, but nothing goes on. */
  readonly unread?: Finding;
  /** What blindness does: nothing but hold, or take the exposure back as the plan asks for it. */
  readonly onBlind: 'hold' | 'rollback';
  /** A sample-ratio mismatch: the arms cannot be compared, but errors still count. */
  readonly mismatches: readonly Finding[];
  /** A guard's rollback that nobody has re-armed since. */
  readonly latch?: Finding;
  /** An alias moved under the release, or Unleash is not as the plan has it. */
  readonly obstacles: readonly Finding[];
  readonly stage: {
    readonly heldMs: number;
    readonly holdMs: number;
    /** Of the candidate arm. */
    readonly predictions: number;
    readonly minPredictions: number;
    /** Nothing comes after it. */
    readonly isLast: boolean;
    /** The alias that names the candidate since the release was completed. */
    readonly completedBy?: string;
  };
  /** Undefined where the stage asks for none. */
  readonly approval?: 'given' | 'missing';
}

/** Why a verdict is what it is. The first reason decided. */
export interface Reason {
  readonly kind: 'breach' | 'blind' | 'mismatch' | 'latch' | 'obstacle' | 'signal' | 'data' | 'hold time' | 'sample' | 'evidence' | 'gate' | 'approval' | 'last stage';
  readonly words: string;
}

export interface Verdict {
  readonly word: VerdictWord;
  /** Never empty, unless the word is `advance`. */
  readonly reasons: readonly Reason[];
  /** Whether somebody should be told now, beside the rollback itself. */
  readonly alarm: boolean;
  /** Whether it stays so until a person does something. */
  readonly needsPerson: boolean;
}

function wordsOf({ service, words }: Finding): string {
  return service === undefined ? words : `${service}: ${words}`;
}

/**
 * The verdict of one look, a function of what is known now and of nothing else. First and always: a breached guardrail takes exposure
 * back, whatever hold time, mismatch, sample or gates say. Then what makes the numbers untrustworthy holds and alarms; signals hold; hold
 * time, sample and gates only delay; approval comes last. A guardrail that is void alarms, too. Where one flag serves several services, the worst decides: a breach in
 * one is a breach, and to advance all must be shown to be good. Missing data is neither good nor bad.
 */
export function verdictOf(look: Look): Verdict {
  const breaches = look.guardrails.filter(({ state }) => state === 'breach');
  if (breaches.length > 0) return { word: 'rollback', reasons: breaches.map((each) => ({ kind: 'breach', words: wordsOf(each) })), alarm: true, needsPerson: true };
  const { blind } = look;
  if (blind !== undefined && look.onBlind === 'rollback') return { word: 'rollback', reasons: [{ kind: 'blind', words: wordsOf(blind) }], alarm: true, needsPerson: true };
  const alarming: Reason[] = [
    ...[...(blind === undefined ? [] : [blind]), ...look.quiet ?? []].map((each) => ({ kind: 'blind' as const, words: wordsOf(each) })),
    ...look.mismatches.map((each) => ({ kind: 'mismatch' as const, words: wordsOf(each) })),
  ];
  const standing: Reason[] = [
    ...(look.latch === undefined ? [] : [{ kind: 'latch' as const, words: wordsOf(look.latch) }]),
    ...look.obstacles.map((each) => ({ kind: 'obstacle' as const, words: wordsOf(each) })),
  ];
  const signals = look.signals.filter(({ state }) => state === 'worse').map((each): Reason => ({ kind: 'signal', words: wordsOf(each) }));
  const held = [...alarming, ...standing, ...signals];
  const alarm = alarming.length > 0 || look.guardrails.some(({ isVoid }) => isVoid === true);
  if (held.length > 0) return { word: 'hold', reasons: [...held, ...delays(look)], alarm, needsPerson: standing.length > 0 };
  const missing = [...[...look.guardrails, ...look.signals].filter(({ state }) => state === 'insufficient').map((each): Reason => ({ kind: 'data', words: wordsOf(each) })), ...unshown(look)];
  if (missing.length > 0) return { word: 'insufficient data', reasons: [...missing, ...delays(look)], alarm, needsPerson: false };
  const delayed = delays(look);
  if (delayed.length > 0) return { word: 'hold', reasons: delayed, alarm: false, needsPerson: delayed.every(({ kind }) => kind === 'gate' || kind === 'approval') };
  return { word: 'advance', reasons: [], alarm: false, needsPerson: false };
}

/** Nothing that was compared is no evidence, nor is what was of another stage: what statistics are asked for, and say nothing, is not known. */
function unshown({ asksStatistics, acceptance, stage }: Look): Reason[] {
  if (!asksStatistics || stage.isLast) return [];
  if (acceptance.length === 0) return [{ kind: 'data', words: 'the stage asks for statistics, and no guardrail was compared that could show that the candidate is not worse' }];
  return stage.predictions > 0 ? [] : [{ kind: 'data', words: 'the stage asks for statistics, and no window with a prediction of the candidate has begun since it was reached' }];
}

/** What only delays, in the order in which it is usually fulfilled; approval is asked for when all the rest is there. */
function delays({ stage, acceptance, gates, approval, unread }: Look): Reason[] {
  if (stage.isLast) return [{ kind: 'last stage', words: stage.completedBy === undefined ? 'the last stage is reached' : `the release is complete: ${stage.completedBy} names what was released` }];
  const reasons: Reason[] = unread === undefined ? [] : [{ kind: 'data', words: wordsOf(unread) }];
  if (stage.heldMs < stage.holdMs) reasons.push({ kind: 'hold time', words: `held for ${durationWords(stage.heldMs)} of ${durationWords(stage.holdMs)}` });
  if (stage.predictions < stage.minPredictions) reasons.push({ kind: 'sample', words: `${countWords(stage.predictions)} of ${countWords(stage.minPredictions)} predictions of the candidate` });
  reasons.push(...acceptance.filter(({ state }) => state === 'open').map((each): Reason => ({ kind: 'evidence', words: wordsOf(each) })));
  reasons.push(...gates.filter(({ state }) => state === 'shut').map((each): Reason => ({ kind: 'gate', words: wordsOf(each) })));
  return reasons.length === 0 && approval === 'missing' ? [{ kind: 'approval', words: 'waits for the approval of another person' }] : reasons;
}
