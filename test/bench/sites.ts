/** What the editor's own thread does with the call sites that the index finds. Run alone with `node test/bench/sites.ts`. */
import { deserialize, serialize } from 'node:v8';
import { fileURLToPath } from 'node:url';
import type { CallSite } from '../../src/core/callsites/model.ts';
import { SiteCatalog } from '../../src/core/callsites/siteCatalog.ts';
import { flagVerdict, siteProblems, type KnownFlags } from '../../src/core/callsites/siteProblems.ts';
import type { Flag } from '../../src/core/flags/model.ts';
import { ToldSites } from '../../src/adapters/workspaceIndex/toldSites.ts';
import type { FileSites } from '../../src/adapters/workspaceIndex/messages.ts';
import { median, percentile, printTable, type BenchRow } from './table.ts';

const FILES = 5000;
const SITES_PER_FILE = 4;
const FLAGS = 5000;
const ROUNDS = 9;

function site(file: number, index: number): CallSite {
  const line = 10 * index + (file % 7);
  const value = `flag-${(file * SITES_PER_FILE + index) % FLAGS}`;
  const range = { start: { line, character: 8 }, end: { line, character: 60 } };
  const key = { kind: 'constant', value, definition: { path: `app/keys_${file % 50}.py`, range } } as const;
  return { api: 'is_enabled', key, keys: [key], via: 'wrapper', range, nameRange: range, keyRange: range, arguments: { context: true, fallback: false }, wrapper: { path: 'app/flags.py', range, name: 'Flags.enabled' }, within: `Service${file}.run` };
}

const answer = (): FileSites[] => Array.from({ length: FILES }, (_, file) => ({ path: `pkg_${file % 100}/module_${file}.py`, sites: Array.from({ length: SITES_PER_FILE }, (_unused, index) => site(file, index)) }));

function timed(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

function filled(files: readonly FileSites[]): SiteCatalog {
  const catalog = new SiteCatalog();
  for (const { path, sites } of files) catalog.set(path, { sites });
  return catalog;
}

/** What the index's thread sends, as it is sent. */
function told(files: readonly FileSites[]): readonly Buffer[] {
  const index = { all: () => files, summaryOf: () => undefined } as unknown as Parameters<ToldSites['since']>[0];
  const sites = new ToldSites();
  const messages: Buffer[] = [];
  for (let since = 0, more = true; more;) {
    const changes = sites.since(index, since);
    messages.push(serialize(changes.files));
    ({ more, revision: since } = changes);
  }
  return messages;
}

/** Every tenth flag is stale, every hundredth is missing. */
function knownFlags(): KnownFlags {
  const flags = new Map<string, Flag>();
  for (let index = 0; index < FLAGS; index += 1) {
    if (index % 100 === 0) continue;
    flags.set(`flag-${index}`, { name: `flag-${index}`, project: 'default', type: 'release', description: '', stale: index % 10 === 1, archived: false, impressionData: false, environments: [], blockedIn: [] });
  }
  return { project: 'default', flags, archived: new Set(), asked: new Map(), lifetimes: new Map([['release', 40]]) };
}

export function benchSites(): Promise<BenchRow[]> {
  const files = answer();
  const portions = told(files);
  const rounds = <T>(work: () => T): T[] => Array.from({ length: ROUNDS }, work);
  // In between the editor's thread does other things.
  const portion = rounds(() => {
    const catalog = new SiteCatalog();
    return portions.map((message) => timed(() => {
      for (const { path, sites } of (deserialize(message) as FileSites[])) catalog.set(path, { sites });
    }));
  }).flat();
  const catalog = filled(files);
  const moved = (turn: number): FileSites => ({ path: files[turn]?.path ?? '', sites: Array.from({ length: SITES_PER_FILE }, (_, index) => site(turn + 1000, index)) });
  const save = median(rounds(() => 0).map((_, turn) => timed(() => void catalog.set(moved(turn).path, { sites: moved(turn).sites }))));
  const counts = median(rounds(() => timed(() => {
    for (let index = 0; index < FLAGS; index += 1) catalog.count(`flag-${index}`);
  })));
  const known = knownFlags();
  const problems = median(rounds(() => timed(() => {
    const verdicts = new Map<string, ReturnType<typeof flagVerdict>>();
    for (const key of catalog.keys) verdicts.set(key, flagVerdict(key, known, 0, () => ''));
    for (const file of catalog.files) siteProblems(catalog.get(file)?.sites ?? [], (name) => verdicts.get(name));
  })));
  const name = `${(FILES * SITES_PER_FILE).toLocaleString('en')} call sites of ${FLAGS.toLocaleString('en')} flags in ${FILES.toLocaleString('en')} files`;
  return Promise.resolve([
    { name: `${name}: each of ${portions.length} portions received and put in order by flag`, value: median(portion), unit: 'ms', target: '<= 50' },
    { name: 'the same, 95th percentile', value: percentile(portion, 0.95), unit: 'ms', target: '<= 50' },
    { name: 'after one file was saved', value: save, unit: 'ms', target: '<= 1' },
    { name: 'the number of call sites of every flag', value: counts, unit: 'ms' },
    { name: 'the problems of all files', value: problems, unit: 'ms', target: '<= 50' },
  ]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) printTable(await benchSites());
