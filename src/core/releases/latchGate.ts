import { plainLine } from '../base/words.ts';
import type { PromotionGate } from './gates.ts';
import { latches } from './latch.ts';

/** What the guard took back stays back until a person has looked at it and re-armed the release, whoever raises it and by whatever command. */
export const latchGate: PromotionGate = {
  name: 'guard rollback',
  check({ plan, reading }) {
    const raised = new Set(plan.environments.filter(({ exposure }) => exposure === 'raise' || exposure === 'mixed').map(({ environment }) => environment));
    const reasons = latches(reading.events).filter(({ environment }) => raised.has(environment)).map(({ environment, at, title }) =>
      `The guard took ${plainLine(plan.flag, 60)} back in ${plainLine(environment, 40)} at ${at.slice(0, 16)}Z (${plainLine(title, 120)}), and nobody has re-armed it. Look at why, then re-arm the release.`);
    return Promise.resolve(reasons.length === 0 ? { kind: 'pass' } : { kind: 'block', overridable: false, reasons });
  },
};
