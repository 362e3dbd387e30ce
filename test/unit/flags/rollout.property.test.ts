import assert from 'node:assert/strict';
import type { Context } from 'unleash-client';
import { predicateOf, type Predicate } from '../../../src/core/flags/audiences.ts';
import type { Constraint, FlagEnvironment, Segment, Strategy } from '../../../src/core/flags/model.ts';
import { effectiveRollout, maxExposure, type AudienceShare, type EffectiveRollout } from '../../../src/core/flags/rollout.ts';
import { sdkFeature, startSdk, type OfflineSdk } from '../../support/sdk.ts';
import { constraint, environment, seeded, segmentsOf, strategy } from './rolloutSupport.ts';

const USERS = 10_000;
const CASES = 240;

const segments = segmentsOf(
  { id: 1, name: 'internal', constraints: [constraint('group', 'IN', ['internal'])] },
  { id: 2, name: 'europe', constraints: [constraint('region', 'IN', ['eu', 'uk'])] },
  { id: 3, name: 'adults of europe', constraints: [constraint('region', 'IN', ['eu', 'uk']), constraint('age', 'NUM_GTE', '18')] },
  { id: 4, name: 'all', constraints: [] },
);

/** Each is satisfied by about half of the users below. */
const HALVES: readonly Constraint[] = [
  constraint('region', 'IN', ['eu', 'us']),
  constraint('region', 'NOT_IN', ['eu', 'us']),
  constraint('region', 'IN', ['eu', 'uk'], { inverted: true }),
  constraint('age', 'NUM_GTE', '50'),
  constraint('age', 'NUM_LT', '50'),
  constraint('plan', 'IN', ['pro']),
  constraint('plan', 'STR_STARTS_WITH', ['PR'], { caseInsensitive: true }),
  constraint('client', 'SEMVER_GTE', '2.0.0'),
  constraint('client', 'REGEX', '^1[.]'),
  constraint('remoteAddress', 'STR_STARTS_WITH', ['10.0.']),
  constraint('beta', 'NOT_IN', ['yes']),
];
const OTHERS: readonly Constraint[] = [
  constraint('age', 'NUM_GT', '80'),
  constraint('age', 'NUM_EQ', '33', { inverted: true }),
  constraint('plan', 'IN', ['pro', 'free']),
  constraint('region', 'IN', ['mars']),
  constraint('currentTime', 'DATE_AFTER', '2020-01-01T00:00:00Z'),
  constraint('currentTime', 'DATE_BEFORE', '2020-01-01T00:00:00Z'),
  constraint('plan', 'NEW_OPERATOR', ['x'], { inverted: true }),
];

function makeUsers(): Context[] {
  const random = seeded(11);
  const pick = (...values: string[]): string => values[Math.floor(random() * values.length)]!;
  return Array.from({ length: USERS }, (_, index): Context => ({
    userId: `user-${index}`,
    sessionId: `session-${index * 7 + 3}`,
    remoteAddress: `${pick('10.0', '10.9')}.0.${index % 250}`,
    properties: {
      account: `account-${index * 13 + 5}`,
      region: pick('eu', 'uk', 'us', 'asia'),
      group: pick('internal', 'external'),
      plan: pick('pro', 'free'),
      age: String(Math.floor(random() * 100)),
      client: `${pick('1', '2')}.${Math.floor(random() * 9)}.0`,
      // Half the users lack the field: negative operators match them.
      ...(random() < 0.5 ? {} : { beta: 'yes' }),
    },
  }));
}

interface Generated {
  readonly environment: FlagEnvironment;
  readonly isConstrained: boolean;
}

/** One environment: odd cases have several strategies, every third is constrained by halves. */
function generate(index: number): Generated {
  const random = seeded(1000 + index);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  const isConstrained = index % 3 === 0;
  const count = index % 4 === 0 ? 1 : 2 + Math.floor(random() * 3);
  const rollout = (): string => (random() < 0.1 ? pick(['12.5', '250', '-3', 'abc', '']) : String(Math.floor(random() * 101)));
  const make = (position: number): Strategy => {
    const parameters = { rollout: rollout(), stickiness: pick(['userId', 'userId', 'default', 'default', 'sessionId', 'account', 'random', '']), groupId: pick([`flag-${index}`, `flag-${index}`, `other-${index}`]) };
    const disabled = random() < 0.08;
    const half = isConstrained && (position === 0 || random() < 0.5);
    if (half) return strategy({ parameters, constraints: [pick(HALVES), ...(random() < 0.2 ? [pick(HALVES)] : [])].slice(0, position === 0 ? 1 : 2), disabled: position !== 0 && disabled });
    const kind = random();
    if (kind < 0.15) return strategy({ parameters, segments: [pick([1, 2, 3, 4])], disabled });
    if (kind < 0.2) return strategy({ parameters, segments: [pick([1, 2])], constraints: [pick(HALVES)], disabled });
    if (kind < 0.25) return strategy({ parameters, constraints: [pick(OTHERS)], disabled });
    if (kind < 0.28) return strategy({ parameters, segments: [99], disabled });
    if (kind < 0.31) return strategy({ name: 'userWithId', parameters: { userIds: 'user-1, user-2,user-3' }, disabled });
    if (kind < 0.34) return strategy({ name: 'remoteAddress', parameters: { IPs: '10.9.0.0/16' }, disabled });
    if (kind < 0.36) return strategy({ name: 'default', parameters: {}, disabled });
    if (kind < 0.38) return strategy({ name: 'ourOwn', parameters: { a: 'b' }, disabled });
    if (kind < 0.42) return strategy({ name: pick(['gradualRolloutUserId', 'gradualRolloutSessionId', 'gradualRolloutRandom']), parameters: { percentage: rollout(), groupId: parameters.groupId }, disabled });
    return strategy({ parameters, disabled });
  };
  const made = environment(...Array.from({ length: count }, (_, position) => make(position)));
  return { environment: { ...made, enabled: index % 29 !== 5 }, isConstrained };
}

/** Flags that are on for exactly those who satisfy one predicate, so that the SDK itself says who belongs to an audience. */
function memberFlags(cases: readonly Generated[]): Map<string, Strategy> {
  const flags = new Map<string, Strategy>();
  for (const each of cases.flatMap((generated) => generated.environment.strategies)) {
    const isRollout = each.name === 'flexibleRollout' || each.name.startsWith('gradual');
    flags.set(predicateOf(each, segments).key, isRollout ? { ...each, name: 'default', disabled: false, parameters: {} } : { ...each, disabled: false });
  }
  return flags;
}

describe('effective rollout against the real SDK', function () {
  this.timeout(120_000);
  const users = makeUsers();
  const cases = Array.from({ length: CASES }, (_, index) => generate(index));
  const originalRandom = Math.random;
  const members = new Map<string, boolean[]>();
  let sdk: OfflineSdk;

  before(async () => {
    const flags = [...memberFlags(cases)].map(([key, each]) => sdkFeature(`member ${key}`, environment(each)));
    sdk = await startSdk([...flags, ...cases.map((each, index) => sdkFeature(`case ${index}`, each.environment))], segments.values() as Iterable<Segment>);
    // The SDK draws random stickiness from here: seeded, a run repeats.
    Math.random = seeded(77);
  });
  after(() => {
    Math.random = originalRandom;
    sdk.stop();
  });

  const membersOf = (predicate: Predicate): boolean[] => {
    const known = members.get(predicate.key) ?? users.map((user) => sdk.isEnabled(`member ${predicate.key}`, user));
    members.set(predicate.key, known);
    return known;
  };
  const observe = (answers: readonly boolean[], audience: Pick<AudienceShare, 'holds' | 'lacks'>): { size: number; share: number } => {
    const holds = audience.holds.map(membersOf);
    const lacks = audience.lacks.map(membersOf);
    let size = 0;
    let on = 0;
    for (const [index, answer] of answers.entries()) {
      if (!holds.every((each) => each[index]) || lacks.some((each) => each[index])) continue;
      size += 1;
      if (answer) on += 1;
    }
    return { size, share: size === 0 ? NaN : (100 * on) / size };
  };
  /** 4 standard errors in per cent; random stickiness hashes one of 10,001 numbers, which is a sample of its own. */
  const tolerance = (share: number, size: number, rollout: EffectiveRollout): number =>
    4 * Math.sqrt(share * (100 - share) * (1 / size + (rollout.random ? 1 / 10_001 : 0)));
  const fits = ({ low, high }: { low: number; high: number }, seen: { size: number; share: number }, rollout: EffectiveRollout): boolean =>
    seen.share >= low - tolerance(low, seen.size, rollout) - 1e-9 && seen.share <= high + tolerance(high, seen.size, rollout) + 1e-9;

  it('generates the promised mix', () => {
    const several = cases.filter((each) => each.environment.strategies.filter((one) => !one.disabled).length > 1).length;
    const halved = cases.filter((each) => each.isConstrained && each.environment.strategies.some((one) => {
      const share = observe(users.map(() => true), { holds: [predicateOf(one, segments)], lacks: [] }).size / USERS;
      return !one.disabled && one.constraints.length > 0 && share > 0.45 && share < 0.55;
    })).length;
    assert.ok(cases.length >= 200);
    assert.ok(several >= CASES / 2, `${several} of ${CASES} cases have several enabled strategies`);
    assert.ok(halved >= CASES / 3, `${halved} of ${CASES} cases are constrained to about half the users`);
  });

  it(`tells the share of every audience within 4 standard errors, in ${CASES} generated configurations`, () => {
    const tally = { points: 0, ranges: 0, empty: 0 };
    for (const [index, each] of cases.entries()) {
      const rollout = effectiveRollout(each.environment, segments);
      const answers = users.map((user) => sdk.isEnabled(`case ${index}`, user));
      const where = (audience: string): string => `case ${index}, ${audience}: ${JSON.stringify(each.environment.strategies)}`;
      let counted = 0;
      for (const audience of rollout.audiences) {
        assert.ok(audience.low > 0 || audience.high < 100, where(`${audience.audience} has the empty answer 0 to 100`));
        const seen = observe(answers, audience);
        counted += seen.size;
        if (seen.size === 0) tally.empty += 1;
        else if (audience.low === audience.high) tally.points += 1;
        else tally.ranges += 1;
        assert.ok(seen.size === 0 || fits(audience, seen, rollout), where(`${audience.audience} is told ${audience.low} to ${audience.high}, seen ${seen.share} of ${seen.size}`));
      }
      // Every user belongs to some audience, and the share of all lies in the overall range.
      assert.ok(counted >= USERS, where(`only ${counted} users belong to an audience`));
      assert.ok(fits(rollout, observe(answers, { holds: [], lacks: [] }), rollout), where('everybody'));
      assert.ok(rollout.high <= maxExposure(each.environment, segments), where('largest share'));
    }
    assert.ok(tally.points > 2 * CASES * 0.6, JSON.stringify(tally));
    assert.ok(tally.ranges < tally.points * 0.02, `ranges must stay rare: ${JSON.stringify(tally)}`);
  });
});
