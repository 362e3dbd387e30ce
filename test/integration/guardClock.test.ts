import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PlannedReleases, type Ended, type PlannedRelease } from '../support/plannedReleases.ts';

/** Another clock for a process: `Date` is ahead by SHIFT_MS. */
const SHIFTED = `
const shift = Number(process.env.SHIFT_MS);
const Right = Date;
globalThis.Date = class Date extends Right {
  constructor(...args) {
    super(...(args.length === 0 ? [Right.now() + shift] : args));
  }
  static now() {
    return Right.now() + shift;
  }
};
`;
const TEN_MINUTES = 600_000;
const HELD = '[{environment: production, percent: 5, gates: [], hold: 5m, auto: true}, {environment: production, percent: 100}]';
const FREE = '[{environment: production, percent: 5, gates: [], auto: true}, {environment: production, percent: 100}]';

describe('a guard on a machine whose clock is wrong', () => {
  let releases: PlannedReleases;

  before(async function start() {
    this.timeout(180_000);
    releases = await PlannedReleases.start('clock');
    writeFileSync(join(releases.dir, 'shifted.mjs'), SHIFTED);
  });
  after(async function stop() {
    this.timeout(60_000);
    await releases.stop();
  });

  const guard = ({ folder }: PlannedRelease, shift: number): Promise<Ended> =>
    releases.run(folder, ['guard', '--once'], { SHIFT_MS: String(shift), NODE_OPTIONS: `--import=${pathToFileURL(join(releases.dir, 'shifted.mjs')).href}` });

  for (const [shift, where] of [[TEN_MINUTES, 'ahead of'], [-TEN_MINUTES, 'behind']] as const) {
    describe(`by ten minutes: ${where} Unleash's`, function () {
      this.timeout(60_000);

      it('says so, and cuts no hold short', async () => {
        const made = await releases.release(1, { plan: HELD });
        await made.traffic(0.05, 0.02, 4000);
        const { code, stdout, stderr } = await guard(made, shift);
        assert.equal(code, 0, stdout + stderr);
        assert.ok(stderr.includes(`The clock of this machine is 10 min ${where} Unleash's`), stderr);
        assert.deepEqual((await made.production()).rollouts, ['5']);
      });

      it('goes on where the plan lets it', async () => {
        const made = await releases.release(1, { plan: FREE });
        await made.traffic(0.05, 0.02, 4000);
        const { code, stdout, stderr } = await guard(made, shift);
        assert.deepEqual([code, (await made.production()).rollouts], [0, ['100']], stdout + stderr);
      });

      it('takes a breach back', async () => {
        const made = await releases.release(2);
        await made.traffic(0.25, 0.12, 8000);
        const { code, stdout, stderr } = await guard(made, shift);
        assert.deepEqual([code, await made.isExposed()], [10, false], stdout + stderr);
      });
    });
  }

  it('says nothing of a clock that is right', async function right() {
    this.timeout(60_000);
    const made = await releases.release(1, { plan: HELD });
    await made.traffic(0.05, 0.02, 4000);
    assert.equal((await guard(made, 1000)).stderr, '');
  });
});
