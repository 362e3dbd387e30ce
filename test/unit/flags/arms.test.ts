import assert from 'node:assert/strict';
import type { Context } from 'unleash-client';
import { armShares } from '../../../src/core/flags/arms.ts';
import type { FlagEnvironment, Segment, Strategy, StrategyVariant } from '../../../src/core/flags/model.ts';
import { activeShares } from '../../../src/core/flags/shares.ts';
import { sdkFeature, startSdk, type OfflineSdk } from '../../support/sdk.ts';
import { constraint, environment, seeded, segmentsOf, strategy } from './rolloutSupport.ts';

const USERS = 8000;
const CASES = 80;
const segments = segmentsOf(
  { id: 1, name: 'internal', constraints: [constraint('group', 'IN', ['internal'])] },
  { id: 2, name: 'pro', constraints: [constraint('plan', 'IN', ['pro'])] },
);

/** Two users in five are internal, two in five are pro, some are both. */
const users = Array.from({ length: USERS }, (_, index): Context => ({
  userId: `user-${index}`,
  sessionId: `session-${index * 7 + 3}`,
  properties: { group: index % 5 < 2 ? 'internal' : 'customer', plan: index % 5 === 1 || index % 5 === 3 ? 'pro' : 'free' },
}));

function generate(index: number): FlagEnvironment {
  const random = seeded(500 + index);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  const variants = (): StrategyVariant[] => {
    const first = Math.floor(random() * 11) * 100;
    return pick([[], [['v1', first], ['v2', 1000 - first]], [['v2', 300], ['v3', 700]]] as [string, number][][]).map(([name, weight]) => ({ name, weight, weightType: 'variable', stickiness: 'userId' }));
  };
  const make = (position: number): Strategy => strategy({
    id: String(position),
    name: random() < 0.1 ? 'default' : 'flexibleRollout',
    disabled: random() < 0.1,
    parameters: { rollout: String(pick([0, 5, 25, 50, 80, 100])), stickiness: pick(['userId', 'userId', 'sessionId']), groupId: pick([`g-${index}`, `g-${index}`, `h-${index}`]) },
    segments: pick([[], [], [1], [2], [1, 2]]),
    variants: variants(),
  });
  return environment(...Array.from({ length: 1 + (index % 4) }, (_, position) => make(position)));
}

describe('which variant serves whom, against the real SDK', function () {
  this.timeout(60_000);
  const cases = Array.from({ length: CASES }, (_, index) => generate(index)).filter(({ strategies }) => strategies.some(({ disabled }) => !disabled));
  let sdk: OfflineSdk;

  before(async () => {
    const members = [1, 2].map((id) => sdkFeature(`member ${id}`, environment(strategy({ name: 'default', parameters: {}, segments: [id] }))));
    sdk = await startSdk([...members, ...cases.map((each, index) => sdkFeature(`case ${index}`, each))], segments.values() as Iterable<Segment>);
  });
  after(() => sdk.stop());

  it('tells the share of every variant in every audience within 4 standard errors', () => {
    let compared = 0;
    const audiences = [[], [1], [2], [1, 2]].map((member) => ({ member, audience: users.filter((user) => [1, 2].every((id) => sdk.isEnabled(`member ${id}`, user) === member.includes(id))) }));
    for (const [index, each] of cases.entries()) {
      for (const { member, audience } of audiences) {
        const seen = new Map<string, number>();
        for (const user of audience) {
          if (!sdk.isEnabled(`case ${index}`, user)) continue;
          const answer = sdk.getVariant(`case ${index}`, user);
          const arm = answer === 'disabled' ? '' : answer;
          seen.set(arm, (seen.get(arm) ?? 0) + 100 / audience.length);
        }
        const told = armShares(activeShares(each, segments), ({ strategy: { segments: needed } }) => needed.every((id) => member.includes(id)), new Set());
        for (const arm of new Set([...seen.keys(), ...told.keys()])) {
          const share = told.get(arm) ?? 0;
          const tolerance = 4 * Math.sqrt((share * (100 - share)) / audience.length) + 1e-6;
          assert.ok(Math.abs((seen.get(arm) ?? 0) - share) <= tolerance, `case ${index}, members of ${member.join()}, "${arm}": told ${share}, seen ${seen.get(arm) ?? 0}: ${JSON.stringify(each.strategies)}`);
          compared += 1;
        }
      }
    }
    assert.ok(compared > CASES * 4, String(compared));
  });
});
