import assert from 'node:assert/strict';
import type { ArmVariants } from '../../../src/core/releases/armVariants.ts';
import { qualityFindings, type ExposureCount } from '../../../src/core/releases/findings.ts';
import { MISSING_ANSWERS } from '../../../src/core/quality/definitions.ts';
import type { QualityData, QualityWindow } from '../../../src/core/quality/window.ts';
import { seeded } from '../flags/rolloutSupport.ts';
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

/** What is said of missing answers: `breach` or `clear`, where they are hardly judged with the words. */
function missing(all: readonly QualityWindow[], exposures: readonly ExposureCount[], { variants = {}, share = 0.05, source = {}, since = START }: { variants?: ArmVariants; share?: number; source?: Partial<QualityData>; since?: number } = {}): string[] {
  const told = { ...data(all.toSorted((a, b) => a.start - b.start)), ...source };
  const { guardrails } = qualityFindings({
    data: told, definition: QUALITY, environment: 'production', variants, since, began: START, shareAt: () => share, exposures, now: START + 3 * HOUR, comparable: true, isForAll: () => false, statistics: true,
  });
  return guardrails.filter(({ name }) => name === MISSING_ANSWERS).map(({ service, state, words }) => `${service === undefined ? '' : `${service} `}${/hardly judged/.test(words) ? `${state}, ${words}` : state}`);
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
  });

  it('are those of the others beside one that gets the candidate more often, in the hours in which it does', () => {
    for (const [yes, no] of [[600, 0], [600, 1400], [30, 0]] as const) {
      const apps = [...main, ...asked('office', yes, no)];
      assert.deepEqual([missing(log(), apps), missing(log({ candidateLost: 0.5 }), apps)], [['clear'], ['breach']], `${yes} of ${yes + no}, no predictions`);
    }
    const logged = (candidateLost: number): QualityWindow[] => log({ perHour: 50_000, share: 3000 / 50_000, candidateLost });
    const apps = [...main, ...asked('office', 600, 1400)];
    assert.deepEqual([missing(logged(0), apps), missing(logged(0.5), apps)], [['clear'], ['breach']], 'it logs as well');
  });

  it('are those of the others also where they ask so little by night that a monitor is most of it', () => {
    const byHour = (app: string, ...answers: readonly (readonly [number, number])[]): ExposureCount[] => answers.map(([yes, no], hour) => ({ environment: 'production', app, start: START + hour * HOUR, end: START + (hour + 1) * HOUR, yes, no, variants: {} }));
    const nightly = (lost: number): QualityWindow[] => log({ perHour: 12_000 }).map((each) => {
      const n = Math.round(each.requests * (each.start < START + HOUR ? 1 : 0.05) * (each.arm === 'candidate' ? 1 - lost : 1));
      return { ...each, requests: n, units: n, metrics: { errors: { n, sum: 0, squares: 0 } } };
    });
    const apps = [...byHour('credit-api', [600, 11_400], [30, 570], [30, 570]), ...byHour('uptime', [20, 0], [20, 0], [20, 0])];
    assert.deepEqual([missing(nightly(0), apps), missing(nightly(0.6), apps)], [['clear'], ['breach']]);
  });

  it('are those of the others also where so few ask that it takes hours to tell one that is unlike', () => {
    const count = 30;
    const all = windows({ start: START, count: 12 * count, share: 0.05, perWindow: 40 }).map((each) => ({ ...each, metrics: {} }));
    const apps = Array.from({ length: count }).flatMap((_, hour) => ([['credit-api', 24, 456], ['office', 7, 56]] as const).map(([app, yes, no]): ExposureCount => ({ environment: 'production', app, start: START + hour * HOUR, end: START + (hour + 1) * HOUR, yes, no, variants: {} })));
    const { guardrails } = qualityFindings({ data: data(all), definition: QUALITY, environment: 'production', variants: {}, since: START, began: START, shareAt: () => 0.05, exposures: apps, now: START + count * HOUR, comparable: true, isForAll: () => false, statistics: true });
    const words = guardrails.find(({ name }) => name === MISSING_ANSWERS)?.words ?? '';
    const left = Number(/of (\d+) answers of the candidate/.exec(words)?.[1]);
    assert.ok(left < 31 * count - 7 * (count - 8), words);
  });

  it('are judged of all applications that are alike where each asks so little that some have more each hour by chance', () => {
    for (const [apps, perHour] of [[20, 5], [10, 20], [5, 20]] as const) {
      for (let seed = 1; seed <= 3; seed += 1) {
        const random = seeded(seed);
        const hours = Array.from({ length: 48 }, (_, hour) => ({ start: START + hour * HOUR, end: START + (hour + 1) * HOUR }));
        const answers = hours.flatMap((hour) => Array.from({ length: apps }, (_, app): ExposureCount => {
          const yes = Array.from({ length: perHour }).filter(() => random() < 0.05).length;
          return { ...hour, environment: 'production', app: `app-${app}`, yes, no: perHour - yes, variants: {} };
        }));
        // The candidate logs nothing in the second day.
        const logged = hours.flatMap(({ start, end }, hour) => (['candidate', 'current'] as const).map((arm): QualityWindow => {
          const asked = answers.filter((each) => each.start === start).reduce((sum, { yes, no }) => sum + (arm === 'candidate' ? yes : no), 0);
          const n = arm === 'candidate' && hour >= 24 ? 0 : asked;
          return { arm, environment: 'production', service: '', start, end, requests: n, units: n, metrics: { errors: { n, sum: 0, squares: 0 } } };
        }));
        const { guardrails } = qualityFindings({ data: data(logged), definition: QUALITY, environment: 'production', variants: {}, since: START, began: START, shareAt: () => 0.05, exposures: answers, now: START + 48 * HOUR, comparable: true, isForAll: () => false, statistics: true });
        const found = guardrails.find(({ name }) => name === MISSING_ANSWERS);
        assert.equal(found?.state, 'breach', `${apps} applications with ${perHour} answers an hour, seed ${seed}: ${found?.words}`);
        assert.doesNotMatch(found.words, /without/);
      }
    }
  });

  it('are judged of an application that begins to ask in a later stage, and at 100 %', () => {
    const half = windows({ start: START, count: 12, share: 0.05, perWindow: 4000 });
    const then = (lost: number): QualityWindow[] => windows({ start: START + HOUR, count: 24, share: 0.5, perWindow: 5000 }).map((each) => ({ ...each, requests: Math.round(each.requests * (each.arm === 'candidate' ? 1 - lost : 1)) }));
    const apps = [...asked('credit-api', 24_000, 24_000).map((each, hour) => (hour === 0 ? { ...each, yes: 2400, no: 45_600 } : each)), ...asked('batch', 6000, 6000).slice(1)];
    assert.deepEqual([missing([...half, ...then(0)], apps), missing([...half, ...then(0.5)], apps)], [['clear'], ['breach']]);
    assert.deepEqual(missing(log({ share: 1 }), [...asked('credit-api', 24_000, 0), ...asked('web', 24_000, 0)], { share: 1 }), ['clear']);
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

  it('are hardly judged where most answers of the candidate are left out, but a candidate that logs nothing is seen', () => {
    const office = asked('backoffice', 3000, 0);
    const apps = [...main, ...office];
    const why = (source: string, mend: string): string[] => [`clear, missing answers: hardly judged, for 2 applications ask for the flag (backoffice, credit-api), ${source}, and most answers of the candidate are left out, those of backoffice, which gets it more often than the others, so that whoever logs nothing would look like a silent candidate: ${mend} applications that make none send no metrics (disable_metrics)`];
    const mend = 'log as service the appName of who makes the predictions, or let';
    assert.deepEqual(missing(log(), apps), why("the log's service is credit", mend));
    assert.deepEqual(missing(log({ service: '' }), apps), why('the source names no service', mend));
    assert.deepEqual(missing(log({ service: '' }), apps, { source: { designEffect: 1, hasOwnTotals: true } }), why('the source names no service', 'let'), 'Prometheus tells no service');
    assert.deepEqual(missing([...log(), ...log({ service: 'batch' })], apps), why("the log's services are batch, credit", mend));
    assert.deepEqual(missing(log({ candidateLost: 1 }), apps), ['breach']);
  });

  it('name whose answers are left out, where they are more than a tenth', () => {
    const of = (yes: number): string => qualityFindings({ data: data(log()), definition: QUALITY, environment: 'production', variants: {}, since: START, began: START, shareAt: () => 0.05, exposures: [...main, ...asked('office', yes, 0)], now: START + 3 * HOUR, comparable: true, isForAll: () => false, statistics: true }).guardrails.find(({ name }) => name === MISSING_ANSWERS)?.words ?? '';
    assert.match(of(600), /0 of 7200 answers of the candidate are missing, 0 of 136800 of the current version, without those of office, which gets it more often than the others;/);
    assert.doesNotMatch(of(200), /office/);
  });

  it('name the three that have most of what is left out, however many they are', () => {
    const offices = Array.from({ length: 12 }, (_, index) => asked(`office-${index}`, 100 + index, 0)).flat();
    const { guardrails } = qualityFindings({ data: data(log()), definition: QUALITY, environment: 'production', variants: {}, since: START, began: START, shareAt: () => 0.05, exposures: [...main, ...offices], now: START + 3 * HOUR, comparable: true, isForAll: () => false, statistics: true });
    assert.match(guardrails.find(({ name }) => name === MISSING_ANSWERS)?.words ?? '', /without those of office-11, office-10, office-9, \.\.\., which get it more often than the others;/);
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

  it('are put together of several services by strata: one that asks twice for each prediction, and whose users are more of the candidate, is no evidence', () => {
    const apps = [...asked('credit', 2400, 45_600), ...asked('office', 2 * 700, 2 * 4300)];
    const all = (candidateLost: number): QualityWindow[] => [...log({ candidateLost }), ...log({ service: 'office', perHour: 5000, share: 0.14, candidateLost })];
    assert.deepEqual(missing(all(0), apps), ['credit clear', 'office clear']);
    assert.deepEqual(missing(all(0.5), apps), ['credit breach', 'office breach']);
    // A third of the candidate's 12 an hour is missing: each has too little to tell.
    const few = ['a', 'b', 'c', 'd'];
    const third = (service: string): QualityWindow[] => log({ service, perHour: 48, share: 0.25 }).filter(({ arm, start }) => arm === 'current' || (start - START) % (15 * MINUTE) > 0);
    const found = missing(few.flatMap(third), few.flatMap((app) => asked(app, 12, 36)), { share: 0.25 });
    assert.deepEqual(found, [...few.map((each) => `${each} clear`), '4 services together breach']);
  });

  it('are not looked for in several services together where Unleash does not count all of them', () => {
    const web = { service: 'web', perHour: 9720, share: 120 / 9720 };
    assert.deepEqual(missing([...log({ lost: 0.25 }), ...log(web)], asked('credit', 2400, 45_600)), ['credit clear']);
    assert.deepEqual(missing([...log({ candidateLost: 0.5 }), ...log(web)], asked('credit', 2400, 45_600)), ['credit breach']);
  });
});
