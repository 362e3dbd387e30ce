import assert from 'node:assert/strict';
import { AppError } from '../../../src/core/base/errors.ts';
import type { Dependency, FlagEnvironment } from '../../../src/core/flags/model.ts';
import { conditionReach, readFamily, type Family } from '../../../src/core/flags/parents.ts';
import { planSetRollout, planSwitchOff } from '../../../src/core/flags/planner.ts';
import type { FlagDetail, FlagReader } from '../../../src/core/flags/ports.ts';
import { EventLog, production, rolloutStrategy } from './flagSupport.ts';

const none = new Map();
const on = (share: number, ...variants: string[]): FlagEnvironment => production(true, rolloutStrategy('p', share, {
  parameters: { rollout: String(share), stickiness: 'default', groupId: 'p' },
  variants: variants.map((name) => ({ name, weight: 1000 / variants.length, weightType: 'variable', stickiness: 'default' })),
}));
const off = production(false);
const needs = (more: Partial<Dependency> = {}): Dependency => ({ feature: 'p', enabled: true, variants: [], ...more });

describe('for whom the condition on a parent holds', () => {
  const cases: [string, Dependency, FlagEnvironment | undefined, string][] = [
    ['a parent that is off', needs(), off, 'nobody'],
    ['a parent at 0 %', needs(), on(0), 'nobody'],
    ['a parent at 25 %', needs(), on(25), 'some'],
    ['a parent at 100 %', needs(), on(100), 'everybody'],
    ['a parent at 100 % of those with a userId', needs(), production(true, rolloutStrategy('p', 100)), 'some'],
    ['a parent that is on without strategies', needs(), production(true), 'everybody'],
    ['a parent that is archived', needs(), undefined, 'nobody'],
    ['off, of a parent that is off', needs({ enabled: false }), off, 'everybody'],
    ['off, of a parent at 25 %', needs({ enabled: false }), on(25), 'some'],
    ['off, of a parent at 100 %', needs({ enabled: false }), on(100), 'nobody'],
    ['off, of a parent that is archived', needs({ enabled: false }), undefined, 'nobody'],
    ['a variant that the parent has', needs({ variants: ['a'] }), on(100, 'a', 'b'), 'some'],
    ['all variants that the parent has', needs({ variants: ['a', 'b'] }), on(100, 'a', 'b'), 'everybody'],
    ['a variant that the parent does not have', needs({ variants: ['c'] }), on(100, 'a', 'b'), 'nobody'],
    ['a variant, of a parent that is on without strategies', needs({ variants: ['a'] }), production(true), 'nobody'],
  ];
  for (const [name, dependency, parent, expected] of cases) it(`${expected}: ${name}`, () => assert.equal(conditionReach(dependency, parent, none), expected));
});

describe('a plan of a flag with relatives', () => {
  const detailOf = (name: string, environment: FlagEnvironment, dependencies: readonly Dependency[] = []): FlagDetail => {
    const { detail } = new EventLog(environment).reading();
    return { ...detail, flag: { ...detail.flag, name, dependencies } };
  };
  const family = (more: Partial<Family>): Family => ({ parents: [], children: [], unread: [], ...more });

  function plan(dependencies: readonly Dependency[], relatives: Family | undefined, percent = 25): readonly string[] {
    const reading = new EventLog(on(5)).reading();
    const detail = { ...reading.detail, flag: { ...reading.detail.flag, dependencies } };
    return planSetRollout({ ...reading, detail, ...(relatives === undefined ? {} : { family: relatives }) }, 'production', percent).warnings;
  }
  const withParent = (dependency: Dependency, parent: FlagEnvironment | undefined, percent?: number): readonly string[] =>
    plan([dependency], family({ parents: [{ flag: 'p', detail: parent && detailOf('p', parent) }] }), percent);

  it('names the parent that blocks it, with its state and the condition', () => {
    assert.deepEqual(withParent(needs(), off), ['Blocked by the parent "p" (off in production): nobody gets it until "p" is on.']);
    assert.deepEqual(withParent(needs({ enabled: false }), on(100)), ['Blocked by the parent "p" (100 % in production): nobody gets it until "p" is off.']);
    assert.deepEqual(withParent(needs({ variants: ['c', 'd'] }), on(100, 'a', 'b')), ['Blocked by the parent "p" (100 % · a 50 % / b 50 % in production): nobody gets it until "p" is on with c or d.']);
    assert.deepEqual(withParent(needs(), on(25)), ['Limited by the parent "p" (25 % in production): only those get it for whom "p" is on.']);
    assert.deepEqual(withParent(needs(), undefined), ['Blocked by the parent "p", which is archived or gone: nobody gets it until the parent is back or the dependency removed.']);
  });

  it('says nothing of a parent that lets everybody through, nor where nobody is exposed', () => {
    assert.deepEqual(withParent(needs(), on(100)), []);
    assert.deepEqual(withParent(needs(), off, 0), []);
  });

  it('says what it knows of parents that were not read', () => {
    assert.deepEqual(plan([needs()], undefined), ['fraud depends on "p": it is off wherever that condition does not hold.']);
  });

  it('shows blocked in its words', () => {
    const reading = new EventLog(on(5)).reading();
    const detail = { ...reading.detail, flag: { ...reading.detail.flag, dependencies: [needs()] } };
    const { environments } = planSetRollout({ ...reading, detail, family: family({ parents: [{ flag: 'p', detail: undefined }] }) }, 'production', 25);
    assert.deepEqual([environments[0]!.from, environments[0]!.to], ['5 % · blocked by p (archived or gone)', '25 % · blocked by p (archived or gone)']);
  });

  const child = (state: FlagEnvironment, dependency: Partial<Dependency> = {}): Family =>
    family({ children: [{ flag: 'explainer', detail: detailOf('explainer', state, [needs({ feature: 'fraud', ...dependency })]) }] });
  const kill = (relatives: Family): readonly string[] => planSwitchOff('kill', { ...new EventLog(on(5)).reading(), family: relatives }, ['production']).warnings;

  it('names the children that start, stop or change with it, and leaves out those that expose nobody', () => {
    const start = planSetRollout({ ...new EventLog(off).reading(), family: child(on(50)) }, 'production', 25).warnings;
    assert.deepEqual(start, ['Starts the child "explainer" (50 % in production) too: it is on only where "fraud" is on.']);
    assert.deepEqual(kill(child(on(50))), ['Stops the child "explainer" (50 % in production) too: it is on only where "fraud" is on.']);
    assert.deepEqual(plan([], child(on(50))), ['Changes the child "explainer" (50 % in production) too: it is on only where "fraud" is on.']);
    assert.deepEqual(kill(child(on(50), { enabled: false })), ['Changes the child "explainer" (50 % in production) too: it is on only where "fraud" is off.']);
    assert.deepEqual([kill(child(off)), plan([], child(on(0)))], [[], []]);
  });

  it('says nothing of children for which nothing changes', () => {
    const stillOff = new EventLog(production(false, rolloutStrategy('a', 25))).reading();
    assert.deepEqual(planSetRollout({ ...stillOff, family: child(on(50)) }, 'production', 0).warnings, []);
    assert.deepEqual(planSwitchOff('kill', { ...stillOff, family: child(on(50)) }, ['production']).warnings, []);
  });

  it('starts a child that waits for the parent to be off', () => {
    const all = planSwitchOff('kill', { ...new EventLog(on(100)).reading(), family: child(on(50), { enabled: false }) }, ['production']);
    assert.match(all.warnings[0]!, /^Starts the child "explainer"/);
  });

  it('says which children were not looked at, because they are many or could not be read', () => {
    assert.deepEqual(plan([], family({ unread: ['c1', 'c2'] })), ['Flags that depend on it and were not looked at: c1, c2.']);
    const reading = new EventLog(on(5)).reading();
    const children = ['c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7'];
    assert.deepEqual(planSwitchOff('kill', { ...reading, detail: { ...reading.detail, children } }, ['production']).warnings, ['Flags that depend on it and were not looked at: c1, c2, c3, c4, c5 and 2 more.']);
  });
});

describe('reading the relatives', () => {
  const detail = (children: string[], parents: string[]): FlagDetail => {
    const reading = new EventLog().reading();
    return { ...reading.detail, flag: { ...reading.detail.flag, dependencies: parents.map((feature) => needs({ feature })) }, children };
  };
  const port = (answer: (name: string) => FlagDetail): { asked: string[]; reader: FlagReader } => {
    const asked: string[] = [];
    const readFlag = (_project: string, name: string): Promise<FlagDetail> => {
      asked.push(name);
      return new Promise((resolve) => resolve(answer(name)));
    };
    return { asked, reader: { readFlag, readSegments: () => Promise.resolve([]), readEvents: () => Promise.resolve({ events: [], total: 0 }) } };
  };

  it('asks for nobody when there are none, and for at most 20 children', async () => {
    const { asked, reader } = port(() => detail([], []));
    await readFamily(reader, detail([], []));
    assert.deepEqual(asked, []);
    const many = Array.from({ length: 23 }, (_, index) => `c${index}`);
    assert.deepEqual([(await readFamily(reader, detail(many, ['p'])))?.unread, asked.length], [['c20', 'c21', 'c22'], 21]);
  });

  it('takes a flag that is not there as archived, lets other failures pass, and stops for a cancel', async () => {
    const failing = (code: 'notFound' | 'network' | 'cancelled'): FlagReader => port(() => {
      throw new AppError(code, code);
    }).reader;
    assert.deepEqual((await readFamily(failing('notFound'), detail([], ['p'])))?.parents, [{ flag: 'p', detail: undefined }]);
    assert.equal(await readFamily(failing('network'), detail([], ['p'])), undefined);
    await assert.rejects(readFamily(failing('cancelled'), detail([], ['p'])), /cancelled/);
  });
});
