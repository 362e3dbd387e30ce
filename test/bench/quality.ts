/**
 * What reading a prediction log takes, beside Evidently on the same columns of the same file, with figures that must be those of SQL. Run alone with `node test/bench/quality.ts [ROWS]`; 10,000,000 rows
 * take 6 GB of disk in the temporary folder and Evidently as much memory. It needs `dist`.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePython } from '../../sandbox/python.ts';
import { LogSource } from '../../src/adapters/predictionLog/logSource.ts';
import { WorkerSource } from '../../src/adapters/quality/workerSource.ts';
import { readQuality } from '../../src/core/quality/definitions.ts';
import type { QualityData } from '../../src/core/quality/window.ts';
import { writeManyRecords } from '../support/manyRecords.ts';
import { START } from '../support/qualityRecords.ts';
import { assertAsReference, REFERENCE_EDGES, REFERENCE_FEATURES, REFERENCE_METRICS, referenceOf, toParquet } from '../support/reference.ts';
import { lensesAfterEdits } from './lens.ts';
import { median, printTable, type BenchRow } from './table.ts';

const ROWS = 1_000_000;
const APPENDED = 10_000;
const REFRESHES = 5;
const FLAGS = ['fraud-v2'];
const own = fileURLToPath(import.meta.url);
const root = join(import.meta.dirname, '..', '..');
/** When all of the log is within the longest window of drift. */
const NOW = START + 7 * 86_400_000 - 1;

interface Spent { readonly wall: number; readonly cpu: number; readonly megabytes: number }
interface Refresh { readonly wall: number; readonly cpu: number }
type Read = Spent & { readonly refreshes: readonly Refresh[] };

/** In a process of its own, whose peak of memory is then that of the reading. */
async function readAlone(folder: string, file: string, result: string): Promise<Read> {
  const { quality } = readQuality({ ...REFERENCE_METRICS, source: { log: file }, drift: { window: '7d' } });
  if (quality === undefined) throw new Error('the section cannot be read');
  const source = new LogSource({ folder, flags: FLAGS, definition: quality, features: REFERENCE_FEATURES, edges: REFERENCE_EDGES, threads: { script: join(root, 'dist', 'quality.worker.cjs') } });
  const read = (): Promise<QualityData> => source.read({ now: NOW, signal: new AbortController().signal });
  const started = spent();
  const data = await read();
  const { wall, cpu } = since(started);
  const megabytes = process.resourceUsage().maxRSS / 1024;
  writeFileSync(result, JSON.stringify(data));
  return { wall, cpu, megabytes, refreshes: file.endsWith('.jsonl') ? await refreshes(join(folder, file), read) : [] };
}

interface Started { readonly at: number; readonly cpu: NodeJS.CpuUsage }

function spent(): Started {
  return { at: performance.now(), cpu: process.cpuUsage() };
}

/** In seconds. */
function since({ at, cpu }: Started): Refresh {
  const { user, system } = process.cpuUsage(cpu);
  return { wall: (performance.now() - at) / 1000, cpu: (user + system) / 1e6 };
}

/** How long readings take after records were added; the file is then as before. */
async function refreshes(path: string, read: () => Promise<unknown>): Promise<readonly Refresh[]> {
  const { size } = statSync(path);
  const times: Refresh[] = [];
  for (let round = 0; round < REFRESHES; round += 1) {
    await writeManyRecords(path, { count: APPENDED, firstId: 1e9 + round * APPENDED, seed: 100 + round }, { append: true });
    const started = spent();
    await read();
    times.push(since(started));
  }
  truncateSync(path, size);
  return times;
}

/** Lenses after edits while the log is read in a thread, and while it is not, in turns. */
async function lensesMeanwhile(folder: string, file: string): Promise<{ readonly quiet: number; readonly reading: number }> {
  const { lenses, dispose } = await lensesAfterEdits();
  const [quiet, reading]: [number[], number[]] = [[], []];
  for (let round = 0; round < 3; round += 1) {
    quiet.push(...await lenses());
    const source = new WorkerSource(join(root, 'dist', 'quality.worker.cjs'), { section: { ...REFERENCE_METRICS, source: { log: file } }, folder, flags: FLAGS, environment: '' });
    const progress = { isOver: false };
    const read = source.read({ now: NOW, signal: new AbortController().signal }).finally(() => { progress.isOver = true; });
    while (!progress.isOver) reading.push(...await lenses());
    await read;
    source.dispose();
  }
  dispose();
  return { quiet: median(quiet), reading: median(reading) };
}

/** Figures of the prediction log for so many rows. */
export async function benchQuality(count: number = ROWS): Promise<BenchRow[]> {
  const evidently = await ensurePython({ venvDir: join(root, '.sandbox', 'evidently'), requirements: join(import.meta.dirname, '..', 'support', 'evidently', 'requirements.txt') });
  const folder = mkdtempSync(join(tmpdir(), 'modelswitch-bench-'));
  const rows: BenchRow[] = [];
  try {
    await writeManyRecords(join(folder, 'log.jsonl'), { count });
    await toParquet(join(folder, 'log.jsonl'), join(folder, 'log.parquet'));
    for (const [format, file] of [['JSON Lines', 'log.jsonl'], ['Parquet', 'log.parquet']] as const) {
      const result = join(folder, `${file}.json`);
      const ours = JSON.parse(execFileSync(process.execPath, [own, '--read', folder, file, result], { encoding: 'utf8' })) as Read;
      const data = JSON.parse(readFileSync(result, 'utf8')) as QualityData;
      assertAsReference(data, await referenceOf(join(folder, file), data.arms[0]?.score.edges ?? []));
      const theirs = JSON.parse(execFileSync(evidently, [join(import.meta.dirname, '..', 'support', 'evidently', 'report.py'), join(folder, file)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })) as Spent;
      const row = (name: string, key: keyof Spent, unit: string, target?: string): BenchRow => ({ name: `${format}, ${count.toLocaleString('en')} rows: ${name}`, value: ours[key], unit, baseline: { name: 'Evidently', value: theirs[key] }, ...(target === undefined ? {} : { target }) });
      rows.push(
        row('processor time', 'cpu', 's'), row('time', 'wall', 's'), row('peak of memory', 'megabytes', 'MB', '<= 500'),
        { name: `${format}: Evidently's processor time by ours`, value: theirs.cpu / ours.cpu, unit: 'x' }, { name: `${format}: Evidently's time by ours`, value: theirs.wall / ours.wall, unit: 'x', target: '>= 10' },
        ...(ours.refreshes.length === 0 ? [] : [{ name: `refresh after ${APPENDED.toLocaleString('en')} appended rows`, value: 1000 * median(ours.refreshes.map(({ wall }) => wall)), unit: 'ms', target: '<= 100' }, { name: 'its processor time', value: 1000 * median(ours.refreshes.map(({ cpu }) => cpu)), unit: 'ms' }]),
      );
      console.log(`${format}: counts, sums, squares, units, dispersion, histograms and bins are those of SQL in DuckDB (load ${loadavg()[0]?.toFixed(1) ?? ''})`);
    }
    const { quiet, reading } = await lensesMeanwhile(folder, 'log.jsonl');
    rows.push({ name: 'lens after an edit, while the log is read', value: reading, unit: 'ms', baseline: { name: 'while it is not', value: quiet } });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return rows;
}

if (process.argv[1] === own) {
  const [option, folder, file, result] = process.argv.slice(2);
  if (option === '--read') console.log(JSON.stringify(await readAlone(folder ?? '', file ?? '', result ?? '')));
  else printTable(await benchQuality(option === undefined ? ROWS : Number(option)));
}
