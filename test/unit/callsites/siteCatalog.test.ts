import assert from 'node:assert/strict';
import type { CallSite, KnownKey } from '../../../src/core/callsites/model.ts';
import { quotedPlace } from '../../../src/core/callsites/quoted.ts';
import { SiteCatalog } from '../../../src/core/callsites/siteCatalog.ts';
import { flagVerdict, siteProblems, uncalledFlags, type KnownFlags } from '../../../src/core/callsites/siteProblems.ts';
import { countOfSites, placeOfSite, siteWords } from '../../../src/core/callsites/siteWords.ts';
import type { Flag } from '../../../src/core/flags/model.ts';
import { loadWorkspaceFile } from '../../../src/core/workspace/load.ts';
import { nearestFew } from '../../../src/core/workspace/suggest.ts';
import { detectOnce } from '../../../src/core/callsites/detector.ts';
import { pythonDetector } from '../../../src/core/callsites/python/detector.ts';
import { ToldSites } from '../../../src/adapters/workspaceIndex/toldSites.ts';
import { pythonParser } from './parser.ts';

const at = (line: number): CallSite['range'] => ({ start: { line, character: 0 }, end: { line, character: 9 } });

function site(line: number, keys: readonly string[], more: Partial<CallSite> = {}): CallSite {
  const known = keys.map((value): KnownKey => ({ kind: 'literal', value }));
  return { api: 'is_enabled', key: known[0] ?? { kind: 'dynamic', cause: 'expression', reason: 'x' }, keys: known, via: known.length > 0 ? 'direct' : 'dynamic', range: at(line), nameRange: at(line), keyRange: at(line), arguments: { context: false, fallback: false }, ...more };
}

const dynamic = (more: Partial<CallSite> = {}): CallSite => site(9, [], more);

describe('call sites by flag', () => {
  it('come file by file in order, with their number', () => {
    const catalog = new SiteCatalog();
    catalog.set('b.py', { sites: [site(3, ['fraud']), site(5, ['other'])] });
    catalog.set('a.py', { sites: [site(1, ['fraud', 'other']), site(2, ['fraud'])] });
    assert.deepEqual(catalog.of('fraud').map(({ file, site: { range } }) => `${file}:${range.start.line}`), ['a.py:1', 'a.py:2', 'b.py:3']);
    assert.deepEqual(catalog.count('fraud'), { calls: 3, files: 2 });
    assert.deepEqual(catalog.count('other'), { calls: 2, files: 2 });
    assert.deepEqual(catalog.count('nothing'), { calls: 0, files: 0 });
    assert.deepEqual(countOfSites(catalog.count('fraud')), '3 call sites in 2 files');
    assert.deepEqual(countOfSites({ calls: 1, files: 1 }), '1 call site in 1 file');
  });

  it('tell which flags a change is about: those that came, went or moved', () => {
    const catalog = new SiteCatalog();
    const set = (...sites: CallSite[]): string[] => [...catalog.set('a.py', { sites })].toSorted();
    assert.deepEqual(set(site(1, ['a']), site(2, ['b'])), ['a', 'b']);
    assert.deepEqual(set(site(1, ['a']), site(2, ['b'])), []);
    assert.deepEqual(set(site(1, ['a']), site(4, ['b'])), ['a', 'b']);
    assert.deepEqual(set(site(1, ['c'])), ['a', 'b', 'c']);
    assert.deepEqual([...catalog.keys], ['c']);
    assert.deepEqual(set(), ['c']);
    assert.deepEqual([[...catalog.files], [...catalog.keys], catalog.get('a.py')], [[], [], undefined]);
  });

  it('count calls whose key nobody can know, but for those whose callers choose it', () => {
    const catalog = new SiteCatalog();
    catalog.set('a.py', { sites: [dynamic({ upToCallers: true }), dynamic(), site(1, ['a'])] });
    assert.equal(catalog.dynamic, 1);
  });

  it('are told with place and surroundings, in a notebook by cell', () => {
    const definition = { path: 'app/keys.py', range: at(2) };
    const found = site(12, [], { keys: [{ kind: 'constant', value: 'fraud', definition }], within: 'Scorer.predict', via: 'wrapper', wrapper: { name: 'Flags.enabled', path: 'f.py', range: at(1) } });
    assert.equal(siteWords({ site: found }, 'fraud'), 'Scorer.predict · via Flags.enabled · key in app/keys.py:3');
    assert.equal(siteWords({ site: site(1, ['fraud']) }, 'fraud'), 'module level');
    assert.equal(siteWords({ site: site(1, ['fraud'], { via: 'wrapper' }) }, 'fraud'), 'module level · via wrapper');
    const cells = [{ line: 0, cell: 2 }, { line: 10, cell: 5 }];
    assert.deepEqual(placeOfSite({ site: found, cells }), { cell: 5, line: 3 });
    assert.deepEqual(placeOfSite({ site: found }), { cell: undefined, line: 13 });
  });

  it('know the functions and classes around them', async () => {
    const text = 'from UnleashClient import UnleashClient\nclient = UnleashClient(url="u", app_name="a")\nclient.is_enabled("top")\nclass A:\n    def f(self):\n        def g():\n            return [client.is_enabled("in") for x in y]\n        return lambda: client.is_enabled("lambda")\n';
    const tree = (await pythonParser()).parse(text);
    assert.deepEqual(detectOnce(pythonDetector, { text, root: tree.root }).map(({ key, within }) => [key.kind === 'dynamic' ? '' : key.value, within]), [['top', undefined], ['in', 'A.f.g'], ['lambda', 'A.f']]);
    tree.delete();
  });
});

describe('what another thread is told of an index', () => {
  const files = new Map<string, readonly CallSite[]>([['a.py', [site(1, ['a'])]], ['b.py', [site(2, ['b'])]]]);
  const index = { all: () => [...files].map(([path, sites]) => ({ path, sites })), summaryOf: () => undefined } as unknown as Parameters<ToldSites['since']>[0];

  it('is everything first, then only what changed; everything again for one who missed an answer', () => {
    const told = new ToldSites();
    const since = (revision: number): [number, boolean, string[]] => {
      const changes = told.since(index, revision);
      return [changes.revision, changes.whole, changes.files.map(({ path, sites }) => `${path} ${sites.length}`)];
    };
    assert.deepEqual(since(0), [1, true, ['a.py 1', 'b.py 1']]);
    assert.deepEqual(since(1), [2, false, []]);
    files.set('a.py', [site(7, ['a'])]);
    files.delete('b.py');
    assert.deepEqual(since(2), [3, false, ['a.py 1', 'b.py 0']]);
    assert.deepEqual(since(3), [4, false, []]);
    files.set('b.py', [site(2, ['b'])]);
    assert.deepEqual(since(4), [5, false, ['b.py 1']]);
    assert.deepEqual(since(3), [6, true, ['a.py 1', 'b.py 1']]);
    assert.deepEqual(since(0), [7, true, ['a.py 1', 'b.py 1']]);
  });

  it('comes in portions, each of which goes on where the last one ended', () => {
    const many = new Map(Array.from({ length: 30 }, (_, file) => [`${String(file).padStart(2, '0')}.py`, Array.from({ length: 100 }, (_unused, line) => site(line, ['a']))] as const));
    const large = { all: () => [...many].map(([path, sites]) => ({ path, sites })), summaryOf: () => undefined } as unknown as Parameters<ToldSites['since']>[0];
    const told = new ToldSites();
    const answers = [told.since(large, 0)];
    while (answers.at(-1)!.more) answers.push(told.since(large, answers.at(-1)!.revision));
    assert.deepEqual(answers.map(({ whole, files: { length } }) => [whole, length]), Array.from({ length: 6 }, (_, index) => [index === 0, 5]));
    assert.deepEqual(answers.flatMap(({ files: some }) => some.map(({ path }) => path)), [...many.keys()]);
    // One who missed a portion is told everything from the beginning.
    const second = told.since(large, 0);
    assert.deepEqual([second.whole, second.files.length, told.since(large, 99).files[0]?.path], [true, 5, '00.py']);
  });
});

describe('problems of call sites', () => {
  const flag = (name: string, more: Partial<Flag> = {}): Flag => ({ name, project: 'default', type: 'release', description: '', stale: false, archived: false, impressionData: false, environments: [], blockedIn: [], createdAt: '2026-01-01T00:00:00.000Z', ...more });
  const now = Date.parse('2026-02-20T00:00:00.000Z');
  const known = (more: Partial<KnownFlags> = {}): KnownFlags => ({
    project: 'default',
    flags: new Map([flag('good', { createdAt: '2026-02-01T00:00:00.000Z' }), flag('old'), flag('stale', { stale: true }), flag('gone', { archived: true }), flag('ever', { type: 'permission' })].map((each) => [each.name, each])),
    archived: new Set(['away']),
    asked: new Map([['asked', { name: 'asked', lastSeenAt: '2026-02-19T10:20:30.000Z', reports: ['a', 'b', 'c', 'd'].map((application, index) => ({ application, environment: 'production', seenAt: `2026-02-19T10:2${index}:00.000Z` })) }]]),
    lifetimes: new Map([['release', 40]]),
    ...more,
  });
  const verdict = (name: string, more: Partial<KnownFlags> = {}): string => {
    const found = flagVerdict(name, known(more), now, () => ' Did you mean "good"?');
    return found === undefined ? 'none' : `${found.severity} ${found.code}`;
  };

  it('are a flag that is unknown, archived, stale or potentially stale', () => {
    assert.deepEqual(['good', 'ever', 'old', 'stale', 'gone', 'away', 'goood'].map((name) => verdict(name)), [
      'none', 'none', 'hint potentiallyStaleFlag', 'information staleFlag', 'warning archivedFlag', 'warning archivedFlag', 'warning unknownFlag',
    ]);
  });

  it('call nothing potentially stale without the lifetimes of the server, or at an unknown age', () => {
    assert.equal(verdict('old', { lifetimes: new Map() }), 'none');
    assert.equal(verdict('ageless', { flags: new Map([['ageless', { ...flag('ageless'), createdAt: 'once' }]]) }), 'none');
  });

  it('name who asks for a flag that does not exist, the newest three first', () => {
    const found = flagVerdict('asked', known(), now, () => '');
    assert.equal(found?.message, 'Unleash has no flag "asked" in project default, so it is off for everyone. Applications ask for it: d in production, c in production, b in production and 1 more; last seen 2026-02-19 10:20 UTC.');
  });

  it('stand at the key, or at the name of a call without one; a conditional key has one for each', () => {
    const problems = siteProblems([site(1, ['goood', 'good', 'away']), site(2, ['goood'], { keyRange: undefined, nameRange: at(30) }), dynamic()], (name) => flagVerdict(name, known(), now, () => ''));
    assert.deepEqual(problems.map(({ flag: name, range }) => [name, range.start.line]), [['goood', 1], ['away', 1], ['goood', 30]]);
  });

  it('are flags of models that nothing asks for, at their line, with what one cannot know', () => {
    const { config } = loadWorkspaceFile('version: 1\nmodels:\n  fraud:\n    flag: fraud-v2\n  credit:\n    switches:\n      - flag: credit-a\n      - flag: credit-b\n');
    const found = uncalledFlags(config!.models, (name) => name === 'credit-a', 0);
    assert.deepEqual(found.map(({ flag: name, range }) => [name, range.start.line]), [['fraud-v2', 3], ['credit-b', 7]]);
    assert.match(found[0]!.message, /asks for the flag "fraud-v2" of the model fraud\.$/);
    assert.match(uncalledFlags(config!.models, () => false, 1)[0]!.message, /One call whose key is computed may\.$/);
    assert.match(uncalledFlags(config!.models, () => false, 12)[0]!.message, /12 calls whose keys are computed may\.$/);
  });
});

describe('the text of a key', () => {
  it('is found in its quotes, once', () => {
    const inQuotes = (code: string, text = 'fraud'): string | undefined => {
      const place = quotedPlace(code, text);
      return place && `${place.start}-${place.end}`;
    };
    assert.equal(inQuotes('"fraud"'), '1-6');
    assert.equal(inQuotes("r'fraud'"), '2-7');
    assert.equal(inQuotes('`fraud`'), '1-6');
    assert.equal(inQuotes('"fraud" if x else "other"'), '1-6');
    assert.equal(inQuotes(' = "fraud"  # fraud'), '4-9');
    for (const code of ['FRAUD', '"fraud-v2"', '"a-fraud"', '"fraud\'', '"fraud" + "fraud"', '']) assert.equal(inQuotes(code), undefined, code);
    assert.equal(inQuotes('""', ''), undefined);
  });

  it('may have been meant to be one of several names, the likeliest first', () => {
    assert.deepEqual(nearestFew('fraud-v2', ['credit', 'fraud-v3', 'fraud-v2-eu', 'Fraud-v2'], 3), ['Fraud-v2', 'fraud-v3']);
    assert.deepEqual(nearestFew('fraud', ['fraud1', 'fraud2', 'fraud3', 'fraud4'], 3).length, 3);
    assert.deepEqual(nearestFew('zzz', ['fraud'], 3), []);
  });
});
