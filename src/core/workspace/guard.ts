import * as z from 'zod';
import { DURATION_PATTERN, parseDuration } from '../base/duration.ts';

/** What the guard does about a model by itself. */
export interface GuardSettings {
  /** Where a breach takes exposure back to: what the stage before exposes, or nobody. */
  readonly onBreach: 'previous' | 'zero';
  /** Milliseconds after which the newest data is too old to judge by. */
  readonly blindAfter: number;
  /** What blindness does beside the alarm. */
  readonly onBlind: 'hold' | 'rollback';
}

/** What holds where the file says nothing: missing data takes nothing back. */
export const GUARD_DEFAULTS: GuardSettings = { onBreach: 'zero', blindAfter: 30 * 60_000, onBlind: 'hold' };

const duration = 'must be a duration, such as 30m, 1h or 1h30m';

export const guardSchema = z.strictObject({
  on_breach: z.enum(['previous', 'zero'], { error: 'must be previous or zero' })
    .meta({ description: 'Where a breached guardrail takes exposure back to: the stage before, or nobody. Default: zero.' }).optional(),
  blind_after: z.string({ error: duration }).regex(new RegExp(DURATION_PATTERN), { error: duration })
    .meta({ description: 'How old the newest data may be before the guard says that it is blind. Default: 30m.', examples: ['30m'] }).optional(),
  on_blind: z.enum(['hold', 'rollback'], { error: 'must be hold or rollback' })
    .meta({ description: 'What blindness does beside the alarm: hold the ramp, or take exposure back as a breach does. Default: hold.' }).optional(),
}, { error: 'must be a mapping of on_breach, blind_after and on_blind' }).meta({ description: 'What the guard does about this model by itself.' });

/** What `guard:` says; what the schema refuses is as if it were not written. */
export function readGuard(section: unknown): GuardSettings | undefined {
  if (section === undefined || section === null) return undefined;
  const field = (key: 'on_breach' | 'blind_after' | 'on_blind'): string | undefined => {
    const parsed = guardSchema.shape[key].safeParse((section as Record<string, unknown>)[key]);
    return parsed.success ? parsed.data : undefined;
  };
  return {
    onBreach: field('on_breach') === 'previous' ? 'previous' : GUARD_DEFAULTS.onBreach,
    blindAfter: parseDuration(field('blind_after') ?? '') ?? GUARD_DEFAULTS.blindAfter,
    onBlind: field('on_blind') === 'rollback' ? 'rollback' : GUARD_DEFAULTS.onBlind,
  };
}
