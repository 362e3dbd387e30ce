import { plainLine } from '../base/words.ts';
import { unmatchedWords, type Answer } from './answer.ts';

/** What a context gets, in a few words: `candidate (on)`, `variant b (on)`, `current (off)`, `random at each call`. */
export function answerWords({ outcome, arm, variant }: Answer): string {
  if (outcome === 'random') return 'random at each call';
  if (outcome === 'unknown') return 'not known';
  if (outcome === 'on' && variant !== undefined) return variant.random ? 'a random variant (on)' : `variant ${plainLine(variant.name, 60)} (on)`;
  return arm === undefined ? outcome : `${plainLine(arm, 60)} (${outcome})`;
}

/** One sentence: `production: candidate (on): strategy "..." matched at 25 % (userId 7 is in bucket 18 of 100)`. */
export function explainAnswer(answer: Answer): string {
  return `${plainLine(answer.environment, 60)}: ${answerWords(answer)}: ${answer.because}`;
}

/** Everything there is to say about an answer, one line each: the headline, each strategy, what else to know. */
export function answerLines(answer: Answer): string[] {
  const { reasons, because, notes } = answer;
  const strategies = reasons.map(({ strategy, words }) => `- ${strategy}: ${words}`);
  const isSaid = reasons.length === 1 && because.includes((reasons[0]?.words ?? '').replace(/^not matched: /, ''));
  const isList = reasons.length > 1 && because === unmatchedWords(reasons);
  return [explainAnswer(isList ? { ...answer, because: 'no strategy matches' } : answer), ...(isSaid ? [] : strategies), ...notes.map((note) => `- Note: ${note}`)];
}
