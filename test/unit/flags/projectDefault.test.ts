import assert from 'node:assert/strict';
import { AppError } from '../../../src/core/base/errors.ts';
import { mayChangeDefault } from '../../../src/core/flags/permissions.ts';
import type { NewStrategy } from '../../../src/core/flags/ports.ts';
import { applySafeDefault, planSafeDefault, type ProjectDefaultPort, type SafeDefaultPlan } from '../../../src/core/flags/projectDefault.ts';

const gradual = (rollout: string | undefined, more: Partial<NewStrategy> = {}): NewStrategy => ({
  name: 'flexibleRollout', title: '', disabled: false, parameters: { ...(rollout === undefined ? {} : { rollout }), stickiness: 'account' }, constraints: [], segments: [], variants: [], ...more,
});

function plan(strategy: NewStrategy | undefined, environment = 'production'): SafeDefaultPlan {
  const defaults = { stickiness: 'account', environments: [{ environment: 'production', strategy }] };
  return planSafeDefault({ server: 'http://unleash.test', project: 'default', defaults, segments: [] }, [environment]);
}

describe('the safe default', () => {
  it('is a gradual rollout of 0 % in each flag\'s own group, sticky as the project is, where nothing is set', () => {
    const [change] = plan(undefined).environments;
    assert.deepEqual([change!.from, change!.to, change!.changes, change!.after.parameters], ['100 % of everyone (not set)', '0 % of everyone · sticky on account', true, { rollout: '0', stickiness: 'account' }]);
  });

  it('lowers the percentage of what a team set and leaves the rest', () => {
    const constraints = [{ contextName: 'region', operator: 'IN', values: ['eu'], inverted: false, caseInsensitive: false }];
    const [change] = plan(gradual('50', { title: 'ours', constraints })).environments;
    assert.deepEqual([change!.after.title, change!.after.constraints, change!.after.parameters['rollout']], ['ours', constraints, '0']);
    assert.equal(change!.from, '50 % of region in eu · sticky on account');
  });

  it('replaces a default of another type, and enables a disabled one, which would be 100 %', () => {
    assert.equal(plan({ ...gradual(undefined), name: 'default', parameters: {} }).environments[0]!.after.name, 'flexibleRollout');
    assert.deepEqual([plan(gradual('0', { disabled: true })).environments[0]!.changes, plan(gradual('0', { disabled: true })).environments[0]!.after.disabled], [true, false]);
  });

  it('changes nothing that is safe, and takes a missing percentage for the 100 % that Unleash makes of it', () => {
    assert.deepEqual([plan(gradual('0')).environments[0]!.changes, plan(gradual(undefined)).environments[0]!.changes], [false, true]);
  });

  it('names the environments there are', () => {
    assert.throws(() => plan(undefined, 'prodution'), (error) => error instanceof AppError && error.code === 'notFound' && /it has production\. Did you mean "production"\?/.test(error.message));
  });

  it('asks for one of two permissions', () => {
    const identity = (permission: string, project?: string): Parameters<typeof mayChangeDefault>[0] => ({ id: 1, name: 'x', permissions: [{ permission, ...(project === undefined ? {} : { project }) }] });
    const may = (permission: string, project?: string): boolean => mayChangeDefault(identity(permission, project), 'default', 'production').may;
    assert.deepEqual([may('ADMIN'), may('UPDATE_PROJECT', 'default'), may('PROJECT_DEFAULT_STRATEGY_WRITE'), may('UPDATE_PROJECT', 'other'), may('UPDATE_FEATURE_STRATEGY')], [true, true, true, false, false]);
  });

  /** Settings that answer as they are told, for what a real server does not do on demand. */
  function port(reads: (NewStrategy | undefined)[]): { written: NewStrategy[]; port: ProjectDefaultPort } {
    const written: NewStrategy[] = [];
    return {
      written,
      port: {
        readProjectDefaults: () => Promise.resolve({ stickiness: 'account', environments: [{ environment: 'production', strategy: reads.shift() }] }),
        readSegments: () => Promise.resolve([]),
        writeProjectDefault: (_project, _environment, strategy) => Promise.resolve(void written.push(strategy)),
      },
    };
  }

  it('is refused when somebody else set another one meanwhile, and not called done when it reads back otherwise', async () => {
    const other = port([gradual('5')]);
    await assert.rejects(applySafeDefault(other.port, plan(undefined)), /changed by somebody else/);
    assert.deepEqual(other.written, []);
    await assert.rejects(applySafeDefault(port([undefined, undefined]).port, plan(undefined)), /does not read back/);
    await applySafeDefault(port([]).port, plan(gradual('0')));
  });
});
