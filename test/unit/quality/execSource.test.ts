import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExecSource } from '../../../src/adapters/quality/execSource.ts';
import { openQualitySource } from '../../../src/adapters/quality/open.ts';
import { runCommand } from '../../../src/adapters/quality/runCommand.ts';
import { AppError } from '../../../src/core/base/errors.ts';
import { compareArms } from '../../../src/core/quality/comparison.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { eventually } from '../../support/eventually.ts';
import { isRunning } from '../../support/processes.ts';

const HOUR = 3_600_000;
const START = Date.parse('2026-03-02T10:00:00Z');
const SECTION = { guardrails: [{ name: 'errors', bad: 'error' }], signals: [{ name: 'latency', mean: 'latency_ms' }, { name: 'conversion', mean: 'converted == 1' }], source: { exec: [process.execPath, '-e', 'process.stdout.write(require("node:fs").readFileSync("windows.json"))'] } };

interface Printed { arm: string; environment: string; service?: string; start: number | string; end: number | string; requests: number; units?: number; slice?: string; metrics: Record<string, { n: number; sum: number; squares?: number }> }

/** Four hours of both arms. */
function printed(): Printed[] {
  return [0, 1, 2, 3].flatMap((hour) => ['candidate', 'current'].map((arm): Printed => ({
    arm, environment: 'production', start: START + hour * HOUR, end: START + (hour + 1) * HOUR, requests: 1000, units: 800,
    metrics: { errors: { n: 1000, sum: arm === 'candidate' ? 100 : 10 }, latency: { n: 900, sum: 45_000, squares: 3_000_000 } },
  })));
}

describe('a command that prints windows', function () {
  this.timeout(30_000);
  let folder: string;
  before(() => { folder = mkdtempSync(join(tmpdir(), 'modelswitch-exec-')); });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function read(windows: readonly object[], { more = { design_effect: 1 }, roles = {} }: { readonly more?: object; readonly roles?: Record<string, string> } = {}): Promise<QualityData> {
    writeFileSync(join(folder, 'windows.json'), JSON.stringify({ windows, ...more }));
    const { quality, problems } = readQuality(SECTION);
    assert.deepEqual(problems, []);
    const source = openQualitySource(quality ?? assert.fail(), { folder, flags: ['f'], roles, environment: 'production', fetch: () => assert.fail('asks a server'), credentialsFor: () => ({}) });
    return source.read({ now: START + 5 * HOUR, signal: AbortSignal.timeout(20_000) });
  }

  const refused = async (windows: readonly object[], options = {}): Promise<string> => read(windows, options).then(() => assert.fail('was taken'), (error: unknown) => {
    assert.ok(error instanceof AppError && error.code === 'validation', String(error));
    return error.message;
  });

  it('is taken at its word where it can be true', async () => {
    const data = await read(printed());
    assert.deepEqual([data.notes.messages, data.notes.incomplete, data.windows.length], [['node tells nothing about conversion.'].map((each) => each.replace('node', process.execPath)), undefined, 8]);
    assert.equal(compareArms(data, readQuality(SECTION).quality!, 'production').metrics[0]?.verdict, 'worse');
  });

  it('is asked what it meant by a key that is nearly one that is missing; others are passed over', async () => {
    const changed = (change: object): readonly object[] => printed().map((window, index) => (index === 2 ? { ...window, ...change } : window));
    assert.match(await refused(changed({ lastSeen: START + HOUR })), /printed JSON of another shape: window 3: nothing reads lastSeen\. Did you mean "last_seen"\?$/);
    assert.match(await refused(changed({ metrics: { errors: { n: 1000, sum: 10, sqares: 10 } } })), /window 3: of the metric errors nothing reads sqares\. Did you mean "squares"\?$/);
    assert.match(await refused(printed(), { more: { design_effect: 1, warning: ['half of it'] } }), /nothing reads warning\. Did you mean "warnings"\?$/);
    assert.equal((await read(changed({ newest: START, labels: {}, weekday: 3, ends: 'noon', first_seen: START, last_used: START, device: 'phone', services: 2, slide: 'b' }), { more: { design_effect: 1, took: '3 s' } })).windows.length, 8);
  });

  it('has its warnings told, which change nothing', async () => {
    const data = await read(printed(), { more: { design_effect: 1, warnings: ['a partition came late'] } });
    assert.equal(data.notes.messages[0], 'a partition came late');
    assert.equal(data.notes.incomplete, undefined);
  });

  /** Changes the third window. */
  const impossible: readonly (readonly [string, Partial<Printed>, RegExp])[] = [
    ['more bad events than records', { metrics: { errors: { n: 1000, sum: 1800 } } }, /the metric errors has a sum of 1800 of 1000, and its values are 0 and 1/],
    ['a negative sum of bad events', { metrics: { errors: { n: 1000, sum: -3 } } }, /has a sum of -3 of 1000/],
    ['a mean of a condition above 1', { metrics: { conversion: { n: 10, sum: 12 } } }, /the metric conversion has a sum of 12 of 10/],
    ['squares of bad events that are not their sum', { metrics: { errors: { n: 1000, sum: 10, squares: 40 } } }, /squares of 40 beside a sum of 10/],
    ['squares that are too small', { metrics: { latency: { n: 900, sum: 45_000, squares: 10 } } }, /the metric latency has squares of 10, less than any 900 values with a sum of 45000 have/],
    ['a sum of no values', { metrics: { latency: { n: 0, sum: 5, squares: 25 } } }, /has a sum of 5 of no values/],
    ['more records than requests', { requests: 5 }, /800 units appeared in 5 requests/],
    ['a metric of more records than requests', { requests: 5, units: 5 }, /the metric errors was told by 1000 of 5 requests/],
    ['an end before the start', { end: START }, /it ends before it begins/],
    ['a window without length', { end: START + HOUR }, /it ends before it begins/],
    ['seconds', { start: START / 1000, end: START / 1000 + 3600 }, /start \d+ is of 1970: times are milliseconds since 1970, or ISO 8601, not seconds/],
    ['the future', { start: START + 9 * HOUR, end: START + 10 * HOUR }, /it begins in the future, 2026-03-02T19:00:00\.000Z: times are in UTC/],
    ['a window that is told twice', { start: START, end: START + HOUR }, /it overlaps window 1 of the same arm, environment, service and slice/],
    ['a window that overlaps the one before', { start: START + HOUR / 2, end: START + HOUR }, /it overlaps window 1/],
  ];
  for (const [what, change, says] of impossible) {
    it(`is refused with ${what}, with the window and the reason`, async () => {
      const windows = printed();
      windows[2] = { ...windows[2]!, ...change };
      const message = await refused(windows);
      assert.match(message, /printed what cannot be: window 3 \(arm "candidate", environment "production", start [^)]+\): /);
      assert.match(message, says);
    });
  }

  it('must say how dependent requests are', async () => {
    for (const more of [{}, { design_effect: null }, { design_effect: 0.5 }]) assert.match(await refused(printed(), { more }), /design_effect: must be a number of at least 1: how much more bad events vary than independent requests would.*docs\/quality\.md has SQL/);
  });

  it('tells nothing that decides where the windows of the arms do not cover the same times', async () => {
    const shifted = printed().map((window) => (window.arm === 'candidate' ? { ...window, start: (window.start as number) + 1000, end: (window.end as number) + 1000 } : window));
    const whole = { ...printed()[1]!, end: START + 4 * HOUR, requests: 4000, metrics: { errors: { n: 4000, sum: 80 } } };
    for (const windows of [shifted, [...printed().filter(({ arm }) => arm === 'candidate'), whole]]) {
      const { notes } = await read(windows);
      assert.match(notes.incomplete ?? '', /^windows of the arms do not cover the same times \(.*2026-03-02T10:00:0.*begin and end them by the same clock/);
      assert.ok(notes.messages.some((each) => each.includes('do not cover the same times')));
    }
    const silent = printed().filter(({ arm, start }) => arm === 'current' || start === START);
    assert.equal((await read(silent)).notes.incomplete, undefined, 'an arm may be silent');
    const apart = printed().map((window) => (window.arm === 'candidate' ? { ...window, start: (window.start as number) + 1000, end: (window.end as number) + 1000, service: 'b' } : window));
    assert.equal((await read(apart)).notes.incomplete, undefined, 'services are never pooled');
  });

  it('that fails or cannot be started has not answered, and what is no list of windows is told in words', async () => {
    const failing = (command: readonly string[]): Promise<QualityData> => new ExecSource(command, process.cwd(), [], {}).read({ now: START, signal: new AbortController().signal });
    await assert.rejects(failing(['./no-such-command']), { code: 'network', message: /cannot be started/ });
    await assert.rejects(failing(['node', '-e', 'process.exit(3)']), { code: 'network', message: 'node failed with exit code 3 and wrote nothing to its standard error.' });
    const printing = (json: string): readonly string[] => ['node', '-e', `console.log(${JSON.stringify(json)})`];
    await assert.rejects(failing(printing('')), { code: 'network', message: /^node did not print JSON: / });
    await assert.rejects(failing(printing('{"design_effect": 1}')), { code: 'validation', message: /^node printed JSON of another shape: windows: must be a list of windows, \{"arm"/ });
    await assert.rejects(failing(printing('[]')), { code: 'validation', message: /another shape: it must be a mapping of windows, design_effect and warnings\.$/ });
  });

  it('names arms that nobody compares, and is refused where there are no others', async () => {
    const named = (names: Record<string, string>): Printed[] => printed().map((window) => ({ ...window, arm: names[window.arm] ?? window.arm }));
    assert.match(await refused(named({ candidate: 'challenger', current: 'champion' })), /printed only windows of "challenger", "champion", neither candidate nor current.*variants: \{treatment: candidate/);
    const roles = { challenger: 'candidate', champion: 'current' };
    assert.deepEqual((await read(named({ candidate: 'challenger', current: 'champion' }), { roles })).arms.map(({ arm }) => arm).sort(), ['candidate', 'current']);
    const { notes } = await read([...printed(), { ...printed()[0]!, arm: 'third' }]);
    assert.ok(notes.messages.some((each) => /printed windows of "third", neither candidate nor current.*: they are not compared\.$/.test(each)), notes.messages.join('\n'));
  });

  it('may tell several variants that stand for one arm, which are one window', async () => {
    const windows = printed().flatMap((window) => (window.arm === 'candidate' ? [{ ...window, arm: 'left' }, { ...window, arm: 'right' }] : [window]));
    const { windows: read1 } = await read(windows, { roles: { left: 'candidate', right: 'candidate' } });
    assert.deepEqual(read1.filter(({ arm, start }) => arm === 'candidate' && start === START).map(({ requests, units, metrics }) => [requests, units, metrics['errors'], metrics['latency']]), [[2000, 1600, { n: 2000, sum: 200, squares: 200 }, { n: 1800, sum: 90_000, squares: 6_000_000 }]]);
    assert.equal(read1.length, 8);
  });

  it('tells nothing that decides where windows of variants that stand for one arm do not cover the same times', async () => {
    const roles = { a: 'candidate', b: 'candidate' };
    for (const [byHour, byTwo] of [['a', 'b'], ['b', 'a']] as const) {
      for (const slice of [undefined, 'country DE']) {
        const hourly = printed().map((window) => (window.arm === 'candidate' ? { ...window, arm: byHour } : window));
        const longer = [0, 2].map((hour) => ({ ...printed()[0]!, arm: byTwo, start: START + hour * HOUR, end: START + (hour + 2) * HOUR, ...(slice === undefined ? {} : { slice }) }));
        const sliced = slice === undefined ? [] : hourly.map((window) => ({ ...window, slice }));
        const { notes } = await read([...hourly, ...sliced, ...longer].sort((one, other) => Number(one.start) - Number(other.start) || (one.arm < other.arm ? -1 : 1)), { roles });
        assert.match(notes.incomplete ?? '', /^windows of variants that stand for candidate do not cover the same times \(candidate from 2026-03-02T10:00:00\.000Z to /);
      }
    }
  });

  it('was not seen to the end of a window that goes on, and a slice that is null is none', async () => {
    const windows = printed().map((window) => ({ ...window, slice: null, ...(window.start === START + 3 * HOUR ? { end: START + 24 * HOUR } : {}) }));
    const data = await read(windows);
    assert.deepEqual(data.arms.map(({ lastSeen }) => lastSeen), [START + 5 * HOUR, START + 5 * HOUR]);
    assert.deepEqual([data.windows.length, data.windows.filter((window) => 'slice' in window)], [8, []]);
  });

  it('was last seen when the newest record of a window came, where the command says that', async () => {
    const day = (seen: Record<string, number | string | null>): object[] => printed().filter(({ start }) => start === START).map((window) => ({ ...window, end: START + 24 * HOUR, ...(window.arm in seen ? { last_seen: seen[window.arm] } : {}) }));
    const silent = await read(day({ candidate: START + HOUR, current: '2026-03-02T14:59:59Z' }));
    assert.deepEqual([silent.arms.map(({ lastSeen }) => (lastSeen - START) / HOUR), silent.notes.messages.filter((message) => message.includes('last_seen'))], [[1, 5 - 1 / 3600], []]);
    // Else nobody knows, which is said where it matters.
    const unknown = await read(day({ candidate: null }));
    assert.deepEqual(unknown.arms.map(({ lastSeen }) => (lastSeen - START) / HOUR), [5, 5]);
    assert.match(unknown.notes.messages.join(), /the window of candidate that began 2026-03-02 10:00:00 UTC goes on and does not say when its last record came, so an arm that falls silent is known as silent only when it has ended: print last_seen, in SQL max\(ts\)\./);
    assert.match(await refused(day({ current: START + 25 * HOUR })), /window 2 .*: last_seen, when its newest record came, is \d+ \(2026-03-03 11:00:00 UTC\), not within it/);
    // In nanoseconds it is no time at all.
    assert.match(await refused(day({ current: (START + HOUR) * 1e6 })), /window 2 .*: last_seen, when its newest record came, is \d+ \(no time\), not within it/);
    for (const name of ['start', 'end'] as const) assert.match(await refused(printed().map((window) => ({ ...window, [name]: Number(window[name]) * 1e6 }))), new RegExp(`window 1 .*: ${name} \\d+ is no time: times are milliseconds since 1970, or ISO 8601`));
    // Of variants that stand for one arm the newest.
    const [first, second, ...others] = day({ candidate: START + HOUR, current: START + 2 * HOUR });
    const both = await read([first!, { ...second, arm: 'other' }, ...others], { roles: { other: 'candidate' } });
    assert.deepEqual(both.arms.map(({ arm, lastSeen }) => [arm, (lastSeen - START) / HOUR]), [['candidate', 2]]);
  });

  it('leaves a mean without squares without a verdict', async () => {
    const windows = printed().map((window) => ({ ...window, metrics: { ...window.metrics, latency: { n: 900, sum: 45_000 }, conversion: { n: 0, sum: 0 } } }));
    const data = await read(windows);
    const [errors, latency] = compareArms(data, readQuality(SECTION).quality!, 'production').metrics;
    assert.deepEqual([errors?.verdict, latency?.verdict, latency?.candidate.value, latency?.interval], ['worse', 'insufficient data', 50, undefined]);
    assert.deepEqual([data.windows[0]?.metrics['errors'], data.windows[0]?.metrics['conversion']], [{ n: 1000, sum: 100, squares: 100 }, { n: 0, sum: 0, squares: 0 }]);
  });

  describe('and starts something that goes on', () => {
    // Holds the output open for longer than anybody waits here.
    const HOLDING = 'sleep 100 & echo $! > held.pid;';
    const held = (): number => Number(readFileSync(join(folder, 'held.pid'), 'utf8'));
    const run = (script: string, signal: AbortSignal): Promise<string> => runCommand(['sh', '-c', `${HOLDING} ${script}`], folder, { instead: 'windows' }, signal);
    beforeEach(() => rmSync(join(folder, 'held.pid'), { force: true }));

    it('has told all when it ends itself', async () => {
      assert.equal(await run('echo told', new AbortController().signal), 'told\n');
      assert.ok(isRunning(held()));
      process.kill(held());
      await assert.rejects(run('echo wrong >&2; exit 3', new AbortController().signal), /sh failed with exit code 3: wrong/);
      // What it writes for people may have an address with a password in it, also at the beginning of a long line.
      for (const text of ['Error: postgresql://svc:hunter2-very-secret@db/x is down', `postgresql://svc:hunter2-very-secret@db/x is down ${'x'.repeat(1980)}`]) {
        await assert.rejects(run(`echo '${text}' >&2; exit 3`, new AbortController().signal), ({ message }: Error) => message.includes('postgresql://[redacted]@db/x is down') && !message.includes('hunter2') && !message.includes('very-secret'));
      }
      process.kill(held());
    });

    it('is ended with it when it is cancelled', async () => {
      const cancelling = new AbortController();
      const running = run('wait', cancelling.signal);
      await eventually(() => existsSync(join(folder, 'held.pid')) && held() > 0, 20_000);
      cancelling.abort();
      await assert.rejects(running, (error: unknown) => error instanceof AppError && error.code === 'cancelled');
      await eventually(() => !isRunning(held()), 20_000);
    });

    it('is ended with it when it prints too much', async () => {
      await assert.rejects(run('yes', new AbortController().signal), /^AppError: sh printed more than 64 MB: print windows\.$/);
      await eventually(() => !isRunning(held()), 20_000);
    });
  });
});
