import type { World } from '../../sandbox/world.ts';
import { eventually } from './eventually.ts';

/** Waits until the candidate's share among customers, who are assigned by percentage, is within 4 standard errors of a target, by what the service has logged since. */
export async function shifted(world: World, percent: number): Promise<void> {
  const since = Date.now();
  await eventually(() => {
    // The last seconds only: what came before was assigned under the old percentage.
    const { users, share } = world.exposure('customers', Math.max(since, Date.now() - 4000));
    const target = percent / 100;
    return users >= 100 && Math.abs(share - target) <= 4 * Math.sqrt(Math.max(target * (1 - target), 1e-9) / users);
  }, 60_000);
}
