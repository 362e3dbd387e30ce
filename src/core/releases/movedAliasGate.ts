import { plainLine } from '../base/words.ts';
import { environmentPins, situation } from '../flags/planning.ts';
import { movedPins, movedWords } from '../models/mapping.ts';
import { pinsModel } from '../flags/titles.ts';
import type { PromotionGate } from './gates.ts';

/** What one may do about an alias that moved under a release. */
export const MOVED_WAYS_OUT = 'Move the alias back, or re-pin the release: what was learnt about the version before does not count for the new one.';

/** A release goes on with the versions that it began with: one that was swapped meanwhile was never looked at. */
export const movedAliasGate: PromotionGate = {
  name: 'moved alias',
  async check({ plan, reading, config, arms }, signal) {
    const pins = plan.environments.flatMap(({ environment }) => environmentPins(situation(reading, environment)));
    const mapped = config.models.filter((model) => model.switches.some(({ flag }) => flag === plan.flag) && pins.some((pin) => pinsModel(pin, model.name)));
    if (mapped.length === 0) return { kind: 'pass' };
    const found = (await arms(signal)).filter(({ model }) => mapped.includes(model));
    const moved = found.flatMap((each) => movedPins(each, pins));
    if (moved.length > 0) return { kind: 'block', overridable: false, reasons: [...moved.map((each) => `${plainLine(each.model, 40)}: ${movedWords(each)}.`), MOVED_WAYS_OUT] };
    const unknown = found.flatMap(({ model, on, off }) => [on, off].filter(({ state, version, name }) => state !== 'known' && version !== name).map(({ name, failure, state }) =>
      `${plainLine(model.name, 40)}: whether ${plainLine(name, 40)} still is the pinned version is not known: ${(state === 'missing' ? 'the registry has no such alias' : failure ?? 'the registry could not be asked').replace(/\.$/, '')}.`));
    return unknown.length > 0 ? { kind: 'warn', reasons: unknown } : { kind: 'pass' };
  },
};
