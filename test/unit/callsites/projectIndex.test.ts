import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { pythonSummarizer } from '../../../src/core/callsites/python/detector.ts';
import { fingerprintOf, mayHold, soughtWord } from '../../../src/core/callsites/project/fingerprint.ts';
import { NO_SETTINGS } from '../../../src/core/callsites/project/linker.ts';
import { ProjectIndex, type FileReader, type FileReading } from '../../../src/core/callsites/project/projectIndex.ts';
import type { SyntaxParser } from '../../../src/adapters/treeSitter/parser.ts';
import { pythonParser } from './parser.ts';

const SIGNAL = new AbortController().signal;

/** Files in memory, read as the reader on disk does. */
class MemoryFiles implements FileReader {
  readonly texts = new Map<string, string>();
  readonly #parser: SyntaxParser;
  summarized: string[] = [];

  constructor(parser: SyntaxParser, texts: Readonly<Record<string, string>> = {}) {
    this.#parser = parser;
    for (const [path, text] of Object.entries(texts)) this.texts.set(path, text);
  }

  read(paths: readonly string[], { words, all }: { readonly words: readonly string[]; readonly all: boolean }, onReading: (reading: FileReading) => void): Promise<void> {
    for (const path of paths) onReading(this.#reading(path, words, all));
    return Promise.resolve();
  }

  #reading(path: string, words: readonly string[], all: boolean): FileReading {
    const text = this.texts.get(path);
    if (text === undefined) return { path, hash: undefined };
    const fingerprint = fingerprintOf(Buffer.from(text));
    if (!all && !words.some((word) => text.includes(word))) return { path, hash: '', fingerprint };
    const tree = this.#parser.parse(text);
    this.summarized.push(path);
    const summary = pythonSummarizer.open().summary({ text, root: tree.root });
    tree.delete();
    // As from another thread or a cache: nothing but data.
    return { path, hash: text, fingerprint, summary: JSON.parse(JSON.stringify(summary)) as typeof summary };
  }
}

function newIndex(reader: FileReader): ProjectIndex {
  return new ProjectIndex({ rules: [pythonSummarizer.rules], words: pythonSummarizer.words, reader, settings: NO_SETTINGS });
}

function allSites(index: ProjectIndex): unknown {
  return [...index.all()].map(({ path, sites }) => ({ path, sites }));
}

async function indexOf(texts: Readonly<Record<string, string>>): Promise<{ readonly index: ProjectIndex; readonly files: MemoryFiles }> {
  const files = new MemoryFiles(await pythonParser(), texts);
  const index = newIndex(files);
  await index.update({ changed: [...files.texts.keys()], layout: { roots: [''], imports: { maps: [], packages: [] } } }, SIGNAL);
  return { index, files };
}

const CLIENT = 'from UnleashClient import UnleashClient\nclient = UnleashClient(url="u", app_name="a")\n';

const flagsIn = (index: ProjectIndex): readonly string[] => [...index.all()].flatMap(({ path, sites }) => sites.map(({ key, range }) => `${path}:${range.start.line + 1} ${key.kind === 'dynamic' ? '-' : key.value}`));

describe('the index of a project', () => {
  it('reads callers of wrappers, modules of keys and nothing else', async () => {
    const { index, files } = await indexOf({
      'client.py': CLIENT,
      'wrap.py': 'from client import client\ndef on(key):\n    return client.is_enabled(key)\n',
      'wrap2.py': 'from wrap import on\ndef really_on(name):\n    return on("x." + name)\n',
      'keys.py': 'KEY = "k"\n',
      'use.py': 'from keys import KEY\nfrom wrap2 import really_on as yes\nyes(KEY)\n',
      'other.py': 'def unrelated():\n    return 1\n',
    });
    assert.deepEqual(flagsIn(index), ['use.py:3 x.k', 'wrap.py:3 -', 'wrap2.py:3 -']);
    assert.ok(!files.summarized.includes('other.py'));
    assert.deepEqual(index.allFlags(), ['x.k']);
    assert.deepEqual(index.wrappers().map(({ name, path }) => `${path} ${name}`).sort(), ['wrap.py on', 'wrap2.py really_on']);
    const [site] = index.sitesOf('x.k');
    assert.deepEqual([site?.path, site?.site.via, site?.site.wrapper?.name, site?.site.wrapper?.path], ['use.py', 'wrapper', 'really_on', 'wrap2.py']);
    assert.deepEqual(site?.site.keys[0]?.definition, { path: 'keys.py', range: { start: { line: 0, character: 0 }, end: { line: 0, character: 3 } } });
    assert.deepEqual(site.site.keyRange, { start: { line: 2, character: 4 }, end: { line: 2, character: 7 } });
  });

  it('follows a change of a key, a wrapper and a client in other files', async () => {
    const { index, files } = await indexOf({
      'client.py': CLIENT, 'keys.py': 'KEY = "old"\n', 'wrap.py': 'from client import client\ndef on(key):\n    return client.is_enabled(key)\n',
      'use.py': 'from keys import KEY\nfrom wrap import on\non(KEY)\n',
    });
    const after = async (path: string, text: string): Promise<readonly string[]> => {
      files.texts.set(path, text);
      await index.update({ changed: [path] }, SIGNAL);
      return flagsIn(index);
    };
    assert.deepEqual(await after('keys.py', 'KEY = "new"\n'), ['use.py:3 new', 'wrap.py:3 -']);
    assert.deepEqual(await after('wrap.py', 'def on(key):\n    return False\n'), []);
    assert.deepEqual(await after('wrap.py', 'from client import client\ndef on(key):\n    return client.get_variant("v." + key)\n'), ['use.py:3 v.new', 'wrap.py:3 -']);
    assert.deepEqual(await after('client.py', 'client = {}\n'), []);
    files.texts.delete('keys.py');
    await after('client.py', CLIENT);
    await index.update({ removed: ['keys.py'] }, SIGNAL);
    assert.deepEqual(index.sitesIn('use.py').map(({ key }) => key.kind === 'dynamic' && key.reason), ['`KEY` is imported from `keys`']);
  });

  it('answers for an open document from its text, not from its file', async () => {
    const { index } = await indexOf({ 'client.py': CLIENT, 'keys.py': 'KEY = "saved"\n', 'use.py': 'from client import client\nfrom keys import KEY\nclient.is_enabled(KEY)\n' });
    const tree = (await pythonParser()).parse('KEY = "unsaved"\n');
    await index.setDocument('keys.py', pythonSummarizer.open().summary({ text: 'KEY = "unsaved"\n', root: tree.root }), SIGNAL);
    tree.delete();
    assert.deepEqual(flagsIn(index), ['use.py:3 unsaved']);
    await index.setDocument('keys.py', undefined, SIGNAL);
    assert.deepEqual(flagsIn(index), ['use.py:3 saved']);
  });

  it('finds the first call of a folder in an open document, before its file has it', async () => {
    const { index } = await indexOf({ 'spam.py': `${CLIENT}def is_spam(mail):\n    return spam.predict(mail)\n` });
    const text = `${CLIENT}def is_spam(mail):\n    if client.is_enabled("spam-v3", {}):\n        return candidate.predict(mail)\n    return spam.predict(mail)\n`;
    const tree = (await pythonParser()).parse(text);
    await index.setDocument('spam.py', pythonSummarizer.open().summary({ text, root: tree.root }), SIGNAL);
    tree.delete();
    assert.deepEqual(index.sitesIn('spam.py').map(({ key }) => key.kind !== 'dynamic' && key.value), ['spam-v3']);
    assert.deepEqual(flagsIn(index), ['spam.py:4 spam-v3']);
  });

  it('can be cancelled, answers from what it has, and goes on later', async () => {
    const files = new MemoryFiles(await pythonParser(), { 'a.py': `${CLIENT}client.is_enabled("a")\n`, 'b.py': `${CLIENT}client.is_enabled("b")\n` });
    const abort = new AbortController();
    const index = newIndex({
      read: async (paths, wanted, onReading, signal) => {
        await files.read(paths.slice(0, 1), wanted, onReading);
        abort.abort();
        signal.throwIfAborted();
        await files.read(paths.slice(1), wanted, onReading);
      },
    });
    const finished: boolean[] = [];
    index.onDidProgress((progress) => finished.push(progress.finished));
    await assert.rejects(index.update({ changed: ['a.py', 'b.py'], layout: { roots: [''], imports: { maps: [], packages: [] } } }, abort.signal), { name: 'AbortError' });
    assert.deepEqual(flagsIn(index), ['a.py:3 a']);
    assert.equal(finished.at(-1), true);
    await index.update({ changed: ['a.py', 'b.py'] }, SIGNAL);
    assert.deepEqual(flagsIn(index), ['a.py:3 a', 'b.py:3 b']);
  });

  it('forgets a file that vanishes while it is read', async () => {
    const { index, files } = await indexOf({ 'a.py': `${CLIENT}client.is_enabled("a")\n` });
    files.texts.delete('a.py');
    await index.update({ changed: ['a.py'] }, SIGNAL);
    assert.deepEqual(allSites(index), []);
  });

  it('does not take long when wrappers call each other in circles', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `w${index}`);
    const bodies = names.map((name) => `def ${name}(key):\n${names.slice(0, 12).map((other) => `    ${other}(key)\n`).join('')}    return client.is_enabled(key)\n`);
    const { index } = await indexOf({ 'circle.py': `${CLIENT}${bodies.join('')}w0("x")\n` });
    assert.ok(index.sitesOf('x').length === 1);
  });
});

const PROJECT = fileURLToPath(new URL('../../fixtures/callsites/project/', import.meta.url));
const START = Object.fromEntries(readdirSync(PROJECT, { recursive: true, encoding: 'utf8' }).map((path) => path.replaceAll('\\', '/')).filter((path) => path.endsWith('.py')).map((path) => [path, readFileSync(`${PROJECT}${path}`, 'utf8')]));

const LINES = [
  'from app.core.keys import *', 'from app.core.flags import enabled', 'PLAIN = "other"', 'Keys = 3', 'def enabled(key): return key', 'UNLEASH_CLIENT = None', 'from app.core import is_on as enabled',
  'class More: FRAUD = "again"', 'class Late(Switch): KEY = "late"', 'from app.core.client import UNLEASH_CLIENT', 'UNLEASH_CLIENT.is_enabled(PLAIN)', 'enabled("edited")', 'import app.core.keys', 'TABLE["fraud"] = "changed"', '',
];

type Step = { readonly kind: 'edit'; readonly file: number; readonly line: number; readonly text: string } | { readonly kind: 'remove' | 'restore'; readonly file: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('edit' as const), file: fc.nat(20), line: fc.nat(200), text: fc.constantFrom(...LINES) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('remove' as const, 'restore' as const), file: fc.nat(20) }) },
);

describe('an index that was kept up to date', () => {
  it('says what one from scratch says, whatever was edited, added and removed', async function () {
    this.timeout(240_000);
    const parser = await pythonParser();
    const paths = Object.keys(START);
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
      const { index, files } = await indexOf(START);
      for (const each of steps) {
        const path = paths[each.file % paths.length] ?? '';
        if (each.kind === 'remove') {
          files.texts.delete(path);
          await index.update({ removed: [path] }, SIGNAL);
          continue;
        }
        const lines = (files.texts.get(path) ?? START[path] ?? '').split('\n');
        if (each.kind === 'edit') lines.splice(each.line % lines.length, each.line % 3, each.text);
        files.texts.set(path, each.kind === 'edit' ? lines.join('\n') : START[path] ?? '');
        await index.update({ changed: [path] }, SIGNAL);
      }
      const fresh = newIndex(new MemoryFiles(parser, Object.fromEntries(files.texts)));
      await fresh.update({ changed: [...files.texts.keys()], layout: { roots: [''], imports: { maps: [], packages: [] } } }, SIGNAL);
      assert.deepEqual(allSites(index), allSites(fresh));
    }), { seed: 20261123, numRuns: 40 });
  });
});

describe('fingerprints', () => {
  it('never say no to a word that is there, and seldom yes to one that is not', () => {
    const text = Object.values(START).join('\n');
    const bits = fingerprintOf(Buffer.from(text));
    const words = new Set(text.match(/[\w$]+/g));
    assert.deepEqual([...words].filter((word) => !mayHold(bits, soughtWord(word))), []);
    const absent = Array.from({ length: 2_000 }, (_, index) => `absent_${index * 7919}`).filter((word) => mayHold(bits, soughtWord(word)));
    assert.ok(absent.length < 200, `${absent.length} of 2000`);
  });
});
