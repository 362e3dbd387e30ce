import assert from 'node:assert/strict';
import type { ArmVariants } from '../../../src/core/releases/armVariants.ts';
import { qualityFindings, type ExposureCount } from '../../../src/core/releases/findings.ts';
import { MISSING_ANSWERS } from '../../../src/core/quality/definitions.ts';
import type { QualityData, QualityWindow } from '../../../src/core/quality/window.ts';
import { data, MINUTE, QUALITY, windows } from './assessSupport.ts';

const HOUR = 60 * MINUTE;
const START = Date.UTC(2026, 2, 2, 10);
const HOURS = [0, 1, 2];

interface Log {
  readonly service?: string;
  readonly share?: number;
  readonly perHour?: number;
  /** Of either arm, from 0 to 1. */
  readonly lost?: number;
  readonly candidateLost?: number;
  /** By `where`. */
  readonly isLeftOut?: boolean;
}

/** Three hours of records. */
function log({ service = 'credit', share = 0.05, perHour = 48_000, lost = 0, candidateLost = lost, isLeftOut = false }: Log = {}): QualityWindow[] {
  const all = windows({ start: START, count: 36, share, perWindow: perHour / 12, service });
  return all.map((each): QualityWindow => {
    const n = Math.round(each.requests * (1 - (each.arm === 'candidate' ? candidateLost : lost)));
    const bad = Math.round(n * 0.02);
    return isLeftOut ? { ...each, requests: 0, served: n, units: 0, metrics: {} } : { ...each, requests: n, units: n, metrics: { errors: { n, sum: bad, squares: bad } } };
  });
}

/** What an application was answered in each of them. */
function asked(app: string, yes: number, no: number, variants: Readonly<Record<string, number>> = {}): ExposureCount[] {
  return HOURS.map((hour) => ({ environment: 'production', app, start: START + hour * HOUR, end: START + (hour + 1) * HOUR, yes, no, variants }));
}

/** What is said of missing answers: `breach`, `clear` or `not judged` with the words. */
function missing(all: readonly QualityWindow[], exposures: readonly ExposureCount[], { variants = {}, share = 0.05, source = {}, since = START }: { variants?: ArmVariants; share?: number; source?: Partial<QualityData>; since?: number } = {}): string[] {
  const told = { ...data(all.toSorted((a, b) => a.start - b.start)), ...source };
  const { guardrails } = qualityFindings({
    data: told, definition: QUALITY, environment: 'production', variants, since, began: START, shareAt: () => share, exposures, now: START + 3 * HOUR, comparable: true, isForAll: () => false, statistics: true,
  });
  return guardrails.filter(({ name }) => name === MISSING_ANSWERS).map(({ service, state, words }) => `${service === undefined ? '' : `${service} `}${/not judged/.test(words) ? `${state}, ${words}` : state}`);
}

describe('missing answers, by the applications that ask', () => {
  const main = asked('credit-api', 2400, 45_600);

  it('are judged all the same beside an application that asks next to nothing, or as everyone does but for chance', () => {
    // A laptop that asked once, and applications of everyone, of whom a few more were drawn.
    for (const [yes, no] of [[1, 0], [230, 3300], [15, 185]] as const) {
      const apps = [...main, ...asked('probe', yes, no)];
      assert.deepEqual([missing(log(), apps), missing(log({ candidateLost: 0.5 }), apps)], [['clear'], ['breach']], `${yes} of ${yes + no}`);
    }
    assert.deepEqual(missing(log({ perHour: 400 }), [...asked('credit-api', 8, 192), ...asked('other-api', 13, 187)]), ['clear'], 'more of few by chance');
    assert.match(missing(log(), [...main, ...asked('office', 600, 0)]).join(), /^clear, .*not judged/);
  });

  describe('with a variant for the current version', () => {
    const variants = { candidateVariant: 'treatment', currentVariant: 'control' };
    /** At 50 %, treatment and control alike; whoever gets the flag off is logged as current. */
    const of = (log: QualityWindow[], times: number): string[] => missing(log, asked('credit', 24_000 * times, 24_000 * times, { treatment: 12_000 * times, control: 12_000 * times, disabled: 24_000 * times }), { variants, share: 0.25 });

    it('are none where both arms lose alike, whoever gets the flag off having the current version', () => {
      for (const times of [1, 2]) for (const lost of [0, 0.15]) assert.deepEqual(of(log({ share: 0.25, lost }), times), ['clear'], `asked ${times} times, ${lost} lost`);
    });

    it('are those of the candidate where it loses more', () => {
      assert.deepEqual(of(log({ share: 0.25, candidateLost: 0.5 }), 1), ['breach']);
    });

    it('are counted of who gets the flag on without that variant, where the candidate has none of its own', () => {
      const found = missing(log({ share: 0.25 }), asked('credit', 24_000, 24_000, { control: 12_000, disabled: 36_000 }), { variants: { currentVariant: 'control' }, share: 0.25 });
      assert.deepEqual(found, ['clear']);
    });
  });

  it('are those of the application with the name of the service, whoever else asks', () => {
    const apps = [...asked('credit', 2400, 45_600), ...asked('backoffice', 600, 0)];
    assert.deepEqual(missing(log(), apps), ['clear']);
    assert.deepEqual(missing(log({ candidateLost: 0.5 }), apps), ['breach']);
  });

  it('are those of the only application, whatever its name is', () => {
    for (const service of ['credit', '']) {
      assert.deepEqual(missing(log({ service }), main), ['clear']);
      assert.deepEqual(missing(log({ service, candidateLost: 0.5 }), main), ['breach']);
    }
    const before = asked('backoffice', 600, 0).map((each) => ({ ...each, start: START - 4 * HOUR, end: START - 3 * HOUR }));
    assert.deepEqual(missing(log({ candidateLost: 0.5 }), [...main, ...before, ...asked('backoffice', 0, 0)]), ['breach'], 'it has asked nothing since evidence began');
  });

  it('are not judged where nobody knows which of several applications logs, and one has another mix', () => {
    const apps = [...main, ...asked('backoffice', 600, 0)];
    const why = (source: string, mend: string): string[] => [`clear, missing answers: not judged, for 2 applications ask for the flag (backoffice, credit-api), ${source}, and backoffice gets the candidate more often than the others, so that whoever logs nothing would look like a silent candidate: ${mend}let applications that make none send no metrics (disable_metrics)`];
    const mend = 'log as service the appName of who makes the predictions, or ';
    assert.deepEqual(missing(log(), apps), why("the log's service is credit", mend));
    assert.deepEqual(missing(log({ service: '' }), apps), why('the source names no service', mend));
    assert.deepEqual(missing(log({ service: '' }), apps, { source: { designEffect: 1, hasOwnTotals: true } }), why('the source names no service', ''), 'Prometheus tells no service');
    assert.deepEqual(missing([...log(), ...log({ service: 'batch' })], apps), why("the log's services are batch, credit", mend));
  });

  it('are judged where each of several applications gets both versions alike', () => {
    const apps = [...main, ...asked('mobile', 650, 11_400)];
    for (const logged of [60_050, 48_000]) assert.deepEqual(missing(log({ service: '', perHour: logged }), apps), ['clear'], `${logged} of 60,050 are logged`);
    assert.deepEqual(missing(log({ service: '', perHour: 60_050, candidateLost: 0.5 }), apps), ['breach']);
  });

  it('are no matter of applications that are services of the log which are left out', () => {
    const web = { service: 'web', perHour: 9720, share: 120 / 9720 };
    for (const lost of [0, 0.25]) assert.deepEqual(missing([...log({ lost }), ...log({ ...web, isLeftOut: true })], [...asked('credit', 2400, 45_600), ...asked('web', 120, 9600)]), ['clear'], `${lost} lost`);
    assert.deepEqual(missing([...log({ candidateLost: 0.5 }), ...log({ ...web, isLeftOut: true })], [...main, ...asked('web', 600, 9120)]), ['breach'], 'the only other one is whoever logs');
  });

  it('are not looked for in several services together where Unleash does not count all of them', () => {
    const web = { service: 'web', perHour: 9720, share: 120 / 9720 };
    assert.deepEqual(missing([...log({ lost: 0.25 }), ...log(web)], asked('credit', 2400, 45_600)), ['credit clear']);
    assert.deepEqual(missing([...log({ candidateLost: 0.5 }), ...log(web)], asked('credit', 2400, 45_600)), ['credit breach']);
  });
});
