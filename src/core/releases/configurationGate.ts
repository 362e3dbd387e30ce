import { plainLine } from '../base/words.ts';
import { hindering } from '../workspace/concerning.ts';
import type { PromotionGate } from './gates.ts';

const MOST_REASONS = 3;

/** What is wrong in modelswitch.yaml is left out of what is read: a guardrail that nobody can read guards nothing, and nobody wrote a plan without it. Taking back goes on without. */
export const configurationGate: PromotionGate = {
  name: 'configuration',
  check({ config: { file }, reading }) {
    const found = file === undefined ? [] : hindering(file, { flag: reading.detail.flag.name });
    const reasons = found.slice(0, MOST_REASONS).map(({ message, range: { start } }) => `modelswitch.yaml:${start.line + 1}: ${plainLine(message, 200)} Mend it first; taking back works all the same.`);
    const more = found.length > MOST_REASONS ? [`modelswitch.yaml has ${found.length - MOST_REASONS} more errors.`] : [];
    return Promise.resolve(found.length === 0 ? { kind: 'pass' } : { kind: 'block', overridable: false, reasons: [...reasons, ...more] });
  },
};
