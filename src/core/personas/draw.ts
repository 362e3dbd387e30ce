import { rawShare, wholePercent } from '../flags/shares.ts';
import type { Strategy } from '../flags/model.ts';
import { percentWords } from '../flags/rollout.ts';
import { dependsOnSdk, rolloutBucket } from './bucket.ts';
import { fieldValue, type EvaluationContext } from './model.ts';

/** How the draw of a gradual rollout comes out for a context. */
export type DrawResult =
  /** The strategy draws nobody: it gives everyone it addresses the flag. */
  | { readonly kind: 'none' }
  | { readonly kind: 'in' | 'out'; readonly share: number; readonly words: string; readonly note?: string }
  /** The sticky field is missing from the context. */
  | { readonly kind: 'missing'; readonly share: number; readonly field: string; readonly words: string }
  /** Drawn anew at every call. */
  | { readonly kind: 'random'; readonly share: number; readonly words: string };

const IDS = ['userId', 'sessionId'] as const;

/** The field whose value a draw hashes; undefined when it is drawn at random. */
export function stickyField(stickiness: string, context: EvaluationContext, ids: readonly string[] = IDS): string | undefined {
  if (stickiness === 'random') return undefined;
  return stickiness === 'default' ? ids.find((field) => context[field] !== undefined) : stickiness;
}

/** Exactly what the SDKs compute: bucket of group and sticky value against the rollout. */
export function drawResult(strategy: Strategy, context: EvaluationContext): DrawResult {
  const raw = rawShare(strategy);
  if (raw === undefined) return { kind: 'none' };
  const share = wholePercent(raw.text);
  const { groupId, stickiness } = raw.draw;
  const field = stickyField(stickiness, context);
  if (share === 0) return { kind: 'out', share, words: 'its rollout is 0 %' };
  if (field === undefined) {
    if (share === 100) return { kind: 'in', share, words: 'at 100 %' };
    const why = stickiness === 'random' ? 'random stickiness' : `the context has neither ${IDS.join(' nor ')}`;
    return { kind: 'random', share, words: `random at each call, ${percentWords(share)} of the calls get it (${why})` };
  }
  const value = fieldValue(context, field);
  if (value === undefined) return { kind: 'missing', share, field, words: `it is sticky on ${field}, which is missing` };
  const bucket = rolloutBucket(groupId, value);
  const note = dependsOnSdk(groupId, value) ? `${field} ${value} has letters beyond ASCII: SDKs of other languages may put it into another bucket than ${bucket}.` : undefined;
  const place = `${field} ${value} is in bucket ${bucket} of 100`;
  const more = note === undefined ? {} : { note };
  return bucket <= share
    ? { kind: 'in', share, words: share === 100 ? 'at 100 %' : `at ${percentWords(share)} (${place})`, ...more }
    : { kind: 'out', share, words: `${place}, the rollout is ${percentWords(share)}`, ...more };
}
