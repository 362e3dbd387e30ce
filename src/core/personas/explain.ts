import { plainLine } from '../base/words.ts';
import type { Answer } from './answer.ts';

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
  const strategies = answer.reasons.map(({ strategy, words }) => `- ${strategy}: ${words}`);
  const [only] = answer.reasons;
  const isSaid = answer.reasons.length === 1 && only !== undefined && answer.because.includes(only.words.replace(/^not matched: /, ''));
  return [explainAnswer(answer), ...(isSaid ? [] : strategies), ...answer.notes.map((note) => `- Note: ${note}`)];
}
