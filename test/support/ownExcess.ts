import { environmentOf, type FlagEnvironment } from '../../src/core/flags/model.ts';
import { describeRollout, effectiveRollout, exposureWithin, type Segments } from '../../src/core/flags/rollout.ts';
import type { UnleashClient } from '../../src/adapters/unleash/unleashClient.ts';
import { replay, type ChainEvent } from './eventChain.ts';

/** A call of ours after which somebody is more exposed than by any state that was meant, or that others made. */
export interface OwnExcess {
  readonly event: ChainEvent;
  /** The event and the rollout in words. */
  readonly words: string;
  /** Whether the environment was switched off right after. */
  readonly isTakenBack: boolean;
}

/**
 * What of our own calls exposes too much, by the server's own event log.
 * @param start the environment before the first event of `chain`
 * @param meant states between which every call of ours has to stay
 */
export function ownExcess(start: FlagEnvironment, meant: readonly FlagEnvironment[], chain: readonly ChainEvent[], isForeign: (event: ChainEvent) => boolean, segments: Segments): OwnExcess[] {
  const bounds = [...meant];
  const states = replay(start, chain);
  return states.flatMap(({ event, state }, index) => {
    if (isForeign(event)) bounds.push(state);
    if (exposureWithin(state, bounds, segments)) return [];
    // Unleash adds 100 % to an environment that lost its strategies just before it is switched on: then off again, at once.
    const isTakenBack = states.slice(index + 1).some((later) => later.event.type === 'feature-environment-disabled');
    return [{ event, words: `${eventName(event)} exposes ${describeRollout(effectiveRollout(state, segments))}`, isTakenBack }];
  });
}

export function eventName({ id, type }: ChainEvent): string {
  return `${id} ${type}`;
}

/**
 * Whether a write just before a call came when the flag was read for the last time, or after: the log tells of it, what was read does not.
 * @param calls as `METHOD path`
 */
export function isAfterLastLook(gap: number, calls: readonly string[]): boolean {
  const lastLook = calls.findLastIndex((call) => /features\/[^/]+$/.test(call));
  // Segments are read beside the flag.
  return gap > lastLook || (gap === lastLook - 1 && calls[gap]!.endsWith('/segments'));
}

/** An environment of a flag of the default project as it is now. */
export async function environmentNow(client: UnleashClient, flag: string, name: string): Promise<FlagEnvironment> {
  const found = environmentOf((await client.readFlag('default', flag)).flag, name);
  if (found === undefined) throw new Error(`${flag} has no environment ${name}`);
  return found;
}
