import assert from 'node:assert/strict';
import { describeRollout, effectiveRollout } from '../../src/core/flags/rollout.ts';
import { familyParents, readFamily } from '../../src/core/flags/parents.ts';
import { planPromote, planSetRollout, planSwitchOff, segmentMap } from '../../src/core/flags/planner.ts';
import { gradual } from '../../sandbox/unleash/admin.ts';
import { eventually } from '../support/eventually.ts';
import { crossed, raced, startReleases, type Releases } from '../support/releases.ts';
import { freshFlag } from '../support/unleash.ts';

const production = 'production';

describe('parents and children on a real Unleash', () => {
  let all: Releases;

  before(async function start() {
    this.timeout(60_000);
    all = await startReleases();
  });

  const at = (percent: number): Parameters<typeof freshFlag>[0] => ({ environments: { production: { strategies: (flag) => [gradual(flag, percent, { title: `Modelswitch · ${percent} %` })] } } });
  const depend = (child: string, parent: string, more: object): Promise<unknown> =>
    all.unleash.as.eddy.request('POST', `/api/admin/projects/default/features/${child}/dependencies`, { feature: parent, ...more });
  const isOnFor = async (flag: string, user: string): Promise<boolean> => {
    const url = `${all.unleash.url}/api/frontend?userId=${user}&appName=test`;
    const answer = await fetch(url, { headers: { authorization: all.unleash.seeded.tokens.productionFrontend } });
    return ((await answer.json()) as { toggles: { name: string }[] }).toggles.some(({ name }) => name === flag);
  };
  /** The frontend API answers from a copy that is up to a second old. */
  const eventuallyOn = async (flag: string, expected: boolean): Promise<void> => {
    await eventually(async () => await isOnFor(flag, '7') === expected, 30_000);
  };

  it('says of a child that its parent is off, and nobody gets it; promoting the parent starts it', async () => {
    const parent = await freshFlag({ environments: {} });
    const child = await freshFlag({ ...at(50), parent: parent.name });
    const plan = await all.done(child.name, (reading) => planSetRollout(reading, production, 100));
    assert.deepEqual(plan.warnings, [`Blocked by the parent "${parent.name}" (off in production): nobody gets it until "${parent.name}" is on.`]);
    assert.equal(plan.environments[0]!.to, `100 % · blocked by ${parent.name}`);
    await eventuallyOn(child.name, false);
    const raised = await all.done(parent.name, (reading) => planSetRollout(reading, production, 100));
    assert.deepEqual(raised.warnings, [`Starts the child "${child.name}" (100 % in production) too: it is on only where "${parent.name}" is on.`]);
    await eventuallyOn(child.name, true);
    const killed = await all.done(parent.name, (reading) => planSwitchOff('kill', reading, [production]));
    assert.match(killed.warnings[0]!, /^Stops the child/);
    await eventuallyOn(child.name, false);
  });

  it('reads conditions on variants and on a parent that must be off', async () => {
    const variants = [{ name: 'a', weight: 1000, weightType: 'variable' as const, stickiness: 'userId' }];
    const parent = await freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 100, { variants })] } } });
    const wanting = await freshFlag(at(50));
    await depend(wanting.name, parent.name, { enabled: true, variants: ['b'] });
    assert.match(planPromote(await all.read(wanting.name), production).warnings[0]!, /^Blocked by the parent .* \(100 % · a 100 % in production\): nobody gets it until .* is on with b\.$/);
    const inverse = await freshFlag(at(50));
    await depend(inverse.name, parent.name, { enabled: false });
    assert.match(planPromote(await all.read(inverse.name), production).warnings[0]!, /^Limited by the parent .*: only those get it for whom .* is off\.$/);
    const { warnings } = planSwitchOff('kill', await all.read(parent.name), [production]);
    assert.deepEqual(warnings.map((warning) => /^(\w+) the child "([^"]+)"/.exec(warning)?.slice(1)), [['Changes', inverse.name]]);
  });

  it('says of an archived parent that it is gone, and what that means', async function slow() {
    this.timeout(60_000);
    // Unleash keeps a parent from being archived, unless the dependency is made at the same moment.
    const { child, parent } = await raced(async (round) => {
      const [parent, child] = [await freshFlag({ environments: {} }), await freshFlag(at(50))];
      await crossed(all.unleash.as.alice.archive(parent.name), () => all.unleash.as.eddy.addParent(child.name, parent.name), round % 5);
      const { detail } = await all.read(child.name);
      const isGone = (await all.unleash.as.alice.flag(parent.name)) === undefined;
      return detail.flag.dependencies.length > 0 && isGone ? { child: child.name, parent: parent.name } : undefined;
    });
    const plan = await all.done(child, (reading) => planPromote(reading, production));
    assert.deepEqual(plan.warnings, [`Blocked by the parent "${parent}", which is archived or gone: nobody gets it until the parent is back or the dependency removed.`]);
    await eventuallyOn(child, false);
    const { detail } = await all.read(child);
    const environment = await all.production(child);
    const rollout = effectiveRollout(environment, segmentMap([]), familyParents(detail, await readFamily(all.client, detail), production, segmentMap([])));
    assert.equal(describeRollout(rollout), `100 % · blocked by ${parent} (archived or gone)`);
  });
});
