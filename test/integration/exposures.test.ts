import assert from 'node:assert/strict';
import type { ExposureCount } from '../../src/core/releases/findings.ts';
import { eventually } from '../support/eventually.ts';
import { sharedUnleash, type SharedUnleash } from '../support/unleash.ts';
import { clientOf } from '../support/unleashClient.ts';

const FLAG = 'credit-risk-v2';

describe('counters of a flag', () => {
  let unleash: SharedUnleash;
  before(async function start() {
    this.timeout(60_000);
    unleash = await sharedUnleash();
  });

  async function count(appName: string, yes: number, no: number, variants: Record<string, number>): Promise<void> {
    const now = Date.now();
    const bucket = { start: new Date(now - 1000).toISOString(), stop: new Date(now).toISOString(), toggles: { [FLAG]: { yes, no, variants } } };
    const { status } = await fetch(`${unleash.url}/api/client/metrics`, {
      method: 'POST', headers: { authorization: unleash.seeded.tokens.productionBackend, 'content-type': 'application/json' }, body: JSON.stringify({ appName, instanceId: 'test', bucket }),
    });
    assert.equal(status, 202);
  }

  it('are read as SDKs reported them: by hour, application, environment and variant', async function counted() {
    this.timeout(60_000);
    const client = clientOf(unleash.url, unleash.tokens.eddy);
    await count('counting-a', 30, 70, { v14: 10, v13: 20 });
    await count('counting-b', 1, 2, {});
    const of = (all: readonly ExposureCount[], app: string): ExposureCount[] => all.filter((each) => each.app === app && each.environment === 'production' && each.yes + each.no > 0);
    let read: readonly ExposureCount[] = [];
    await eventually(async () => {
      read = await client.readExposures(FLAG);
      return of(read, 'counting-a').length > 0 && of(read, 'counting-b').length > 0;
    }, 30_000);
    const [hour] = of(read, 'counting-a');
    assert.deepEqual([hour?.yes, hour?.no, hour?.variants], [30, 70, { v14: 10, v13: 20 }]);
    assert.equal(hour!.start % 3_600_000, 0);
    assert.equal(hour!.end - hour!.start, 3_600_000);
    assert.ok(Date.now() >= hour!.start && Date.now() - hour!.start < 2 * 3_600_000);
    assert.deepEqual(of(read, 'counting-b').map(({ yes, no }) => [yes, no]), [[1, 2]]);
  });

  it('of a flag that nobody asked for are none', async () => {
    assert.deepEqual((await clientOf(unleash.url, unleash.tokens.eddy).readExposures('nobody-asks')).filter(({ yes, no }) => yes + no > 0), []);
  });
});
