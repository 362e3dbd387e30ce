import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogSource } from '../../../src/adapters/predictionLog/logSource.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { seeded } from '../../support/guardSimulation.ts';

const START = Date.UTC(2026, 2, 2, 10);
const NOW = START + 3_600_000;

describe('files of a log that are followed', () => {
  let root: string;
  let clock: number;
  let written: number;
  let spare: string[];

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'modelswitch-followed-'));
    for (const folder of ['logs', 'source', 'spare']) mkdirSync(join(root, folder));
    [clock, written, spare] = [START / 1000, 0, []];
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const log = (name: string, folder = 'logs'): string => join(root, folder, name);
  const names = (folder = 'logs'): string[] => readdirSync(join(root, folder)).sort();
  const inodeOf = (name: string): bigint => statSync(log(name), { bigint: true }).ino;

  /** Every change has a time of its own. */
  function touch(path: string): void {
    clock += 1;
    utimesSync(path, clock, clock);
  }
  function append(path: string, count: number): void {
    let text = '';
    for (let index = 0; index < count; index += 1, written += 1) text += `${JSON.stringify({ ts: new Date(START + written * 100).toISOString(), unit_id: `u-${written}`, assigned_arm: 'candidate', flag: 'f', error: null })}\n`;
    appendFileSync(path, text);
    touch(path);
  }
  /** Leaves its inode to the next file, as many file systems do: by chance, and here always. */
  function remove(path: string): void {
    const place = log(String(spare.length), 'spare');
    renameSync(path, place);
    spare.push(place);
  }
  function create(path: string, content = ''): void {
    const place = spare.shift();
    if (place !== undefined) renameSync(place, path);
    writeFileSync(path, content);
    touch(path);
  }
  function replace(path: string, content: string): void {
    const temporary = log('.temporary');
    create(temporary, content);
    if (existsSync(path)) remove(path);
    renameSync(temporary, path);
  }
  function copyAndCut(): void {
    create(log('app.jsonl.1'), readFileSync(log('app.jsonl'), 'utf8'));
    truncateSync(log('app.jsonl'));
    touch(log('app.jsonl'));
  }
  function shift(folder: string, keep: number): void {
    for (let number = keep; number >= 1; number -= 1) if (existsSync(log(`app.jsonl.${number}`, folder))) renameSync(log(`app.jsonl.${number}`, folder), log(`app.jsonl.${number + 1}`, folder));
    if (!existsSync(log(`app.jsonl.${keep + 1}`, folder))) return;
    if (folder === 'logs') remove(log(`app.jsonl.${keep + 1}`));
    else rmSync(log(`app.jsonl.${keep + 1}`, folder));
  }

  function open(pattern: string, cached = false): () => Promise<QualityData> {
    const { quality = assert.fail() } = readQuality({ source: { log: pattern }, guardrails: [{ name: 'errors', bad: 'error' }] });
    const source = new LogSource({ folder: root, flags: ['f'], definition: quality, ...(cached ? { cache: { folder: log('cache', '.'), version: 'v1-0123456789ab' }, leastSaved: 1 } : {}) });
    return () => source.read({ now: NOW, signal: new AbortController().signal });
  }
  const countOf = ({ arms }: QualityData): number => arms.reduce((sum, { requests }) => sum + requests, 0);

  for (const pattern of ['logs/app.jsonl', 'logs/app.jsonl*']) {
    it(`count once where a copy that is made of a log before it is cut gets the inode of one that was removed, ${pattern}`, async () => {
      const read = open(pattern);
      const inodes = new Set<bigint>();
      let data = await read();
      for (let day = 0; day < 6; day += 1) {
        append(log('app.jsonl'), 90);
        await read();
        append(log('app.jsonl'), 10);
        if (existsSync(log('app.jsonl.1'))) remove(log('app.jsonl.1'));
        copyAndCut();
        append(log('app.jsonl'), 5);
        inodes.add(inodeOf('app.jsonl.1'));
        data = await read();
        assert.equal(countOf(data), written, `day ${day}`);
      }
      assert.equal(inodes.size, 1);
      assert.deepEqual(data.notes.messages, ['logs/app.jsonl.1 is gone: what was read of it counts; what may have been appended to it after the last reading is not known.']);
    });

    it(`count once where a log is written anew as a whole each time and was empty once, ${pattern}`, async () => {
      const read = open(pattern);
      append(log('app.jsonl', 'source'), 100);
      for (let round = 0; round < 8; round += 1) {
        if (round === 2) {
          create(log('app.jsonl.1'), readFileSync(log('app.jsonl', 'source'), 'utf8'));
          writeFileSync(log('app.jsonl', 'source'), '');
        } else append(log('app.jsonl', 'source'), 100);
        replace(log('app.jsonl'), readFileSync(log('app.jsonl', 'source'), 'utf8'));
        const data = await read();
        assert.deepEqual([countOf(data), data.notes.messages], [written, []], `round ${round}`);
      }
    });
  }

  it('go on after a start in the moment after a rotation in which the new log is not there yet', async () => {
    append(log('app.jsonl'), 100);
    await open('logs/app.jsonl', true)();
    append(log('app.jsonl'), 10);
    renameSync(log('app.jsonl'), log('app.jsonl.1'));
    const read = open('logs/app.jsonl', true);
    const data = await read();
    assert.deepEqual([countOf(data), data.notes.messages], [110, ['No file is called logs/app.jsonl.']]);
    append(log('app.jsonl'), 5);
    assert.equal(countOf(await read()), 115);
    // Nowhere, as where a folder is not mounted yet.
    await open('logs/app.jsonl', true)();
    for (const name of ['app.jsonl', 'app.jsonl.1']) renameSync(log(name), log(name, 'source'));
    const later = open('logs/app.jsonl', true);
    assert.match((await later()).notes.messages.join(' '), /^No file is called logs\/app\.jsonl\. logs\/app\.jsonl\.1, which was read before the restart, is gone: /);
    for (const name of ['app.jsonl', 'app.jsonl.1']) renameSync(log(name, 'source'), log(name));
    const again = await later();
    assert.deepEqual([countOf(again), again.notes.messages], [115, []]);
  });

  it('are looked for in no more time where many are gone, each of which has a name of its own', async () => {
    const read = open('logs/predictions-*.jsonl');
    const name = (hour: number): string => log(`predictions-${new Date(START + hour * 3_600_000).toISOString().slice(0, 13)}.jsonl`);
    for (let hour = 0; hour < 450; hour += 1) append(name(hour), 1);
    await read();
    for (let hour = 0; hour < 300; hour += 1) rmSync(name(hour));
    const times: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      append(name(449), 1);
      const begun = performance.now();
      assert.equal(countOf(await read()), written);
      times.push(performance.now() - begun);
    }
    assert.ok(Math.min(...times) < 250, `${times.join(', ')} ms`);
  });

  it('that begin with all of another are named, as long as what they hold counts twice', async () => {
    const twice = (longer: string, shorter: string): string => `logs/${longer} begins with all that logs/${shorter} holds: what of that bears no request_id counts more than once. Remove the copy, or narrow the pattern.`;
    const read = open('logs/*.jsonl');
    append(log('app.jsonl'), 100);
    await read();
    create(log('backup.jsonl'), readFileSync(log('app.jsonl'), 'utf8'));
    assert.deepEqual((await read()).notes.messages, ['logs/app.jsonl, logs/backup.jsonl hold the same: what bears no request_id counts 2 times. Narrow the pattern.']);
    append(log('app.jsonl'), 1);
    for (const source of [read, open('logs/*.jsonl'), read]) {
      const data = await source();
      assert.deepEqual([countOf(data), data.notes.messages], [201, [twice('app.jsonl', 'backup.jsonl')]]);
      append(log('app.jsonl'), 0);
    }
    // Another that begins alike, and is no copy.
    create(log('other.jsonl'), readFileSync(log('app.jsonl'), 'utf8').slice(0, 5000).replace(/[^\n]*$/, ''));
    append(log('other.jsonl'), 10);
    assert.deepEqual((await read()).notes.messages, [twice('app.jsonl', 'backup.jsonl')]);
    // What was read counts twice still.
    rmSync(log('backup.jsonl'));
    assert.match((await read()).notes.messages.join(' '), /^logs\/backup\.jsonl is gone: .* logs\/app\.jsonl begins with all that logs\/backup\.jsonl holds: /);
    assert.deepEqual((await open('logs/*.jsonl')()).notes.messages, []);
  });

  const STYLES = ['rename', 'date', 'copytruncate', 'rsync'] as const;

  for (const style of STYLES) {
    it(`count once and whole through anything that happens to them, ${style}`, async () => {
      for (let seed = 1; seed <= 8; seed += 1) {
        const random = seeded(seed);
        for (const folder of ['logs', 'source', 'spare', 'cache']) rmSync(log('', folder), { recursive: true, force: true });
        for (const folder of ['logs', 'source', 'spare']) mkdirSync(join(root, folder));
        [spare, written] = [[], 0];
        const keep = seed % 2 === 0 ? 3 : 60;
        const [pattern, folder] = [random() < 0.5 ? 'logs/app.jsonl' : 'logs/app.jsonl*', style === 'rsync' ? 'source' : 'logs'];
        const [app, some] = [log('app.jsonl', folder), (): number => 1 + Math.floor(30 * random())];
        const synced = new Map<string, number>();
        const sync = (): void => {
          for (const name of names('source')) {
            const { mtimeMs } = statSync(log(name, 'source'));
            if (synced.get(name) !== mtimeMs) replace(log(name), readFileSync(log(name, 'source'), 'utf8'));
            synced.set(name, mtimeMs);
          }
          for (const name of names()) if (!existsSync(log(name, 'source'))) remove(log(name));
        };
        let [read, done, unread] = [open(pattern, true), '', 0];
        const look = async (): Promise<void> => {
          if (style === 'rsync') sync();
          const data = await read();
          unread = 0;
          done += ` read ${countOf(data)}/${written} of ${names().map((name) => `${name}:${inodeOf(name)}`).join()};`;
          assert.deepEqual([countOf(data), data.notes.malformed], [written, 0], `seed ${seed}, ${pattern}, ${keep} kept:${done} ${data.notes.messages.join(' ')}`);
        };
        append(app, some());
        await look();
        for (let step = 0; step < 40; step += 1) {
          const luck = random();
          if (luck < 0.3) append(app, some());
          else if (luck < 0.5 && unread < keep - 1) {
            done += ' rotate;';
            unread += 1;
            if (style === 'copytruncate') {
              shift(folder, keep);
              copyAndCut();
            } else {
              if (style !== 'date') shift(folder, keep);
              const rotated = log(style === 'date' ? `app.jsonl-2026${String(1000 + step)}` : 'app.jsonl.1', folder);
              renameSync(app, rotated);
              // By who has it open still.
              if (random() < 0.5) append(rotated, some());
              if (folder === 'logs') create(app);
              else writeFileSync(app, '');
            }
            if (random() < 0.7) append(app, some());
          } else if (luck < 0.9) await look();
          else if (keep > 3) {
            await look();
            read = open(pattern, true);
            done += ' restart;';
            await look();
          }
        }
        await look();
      }
    });
  }
});
