import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NO_SETTINGS } from '../../../src/core/callsites/project/linker.ts';
import { SUMMARY_VERSION } from '../../../src/core/callsites/project/summary.ts';
import { FolderIndex } from '../../../src/adapters/workspaceIndex/folderIndex.ts';
import { IndexClient } from '../../../src/adapters/workspaceIndex/indexClient.ts';
import { SummaryCache, summaryVersion } from '../../../src/adapters/workspaceIndex/summaryCache.ts';
import { parserFiles } from './parser.ts';

const script = fileURLToPath(new URL('../../../src/adapters/workspaceIndex/index.worker.ts', import.meta.url));
const SIGNAL = new AbortController().signal;
const CLIENT = 'from UnleashClient import UnleashClient\nclient = UnleashClient(url="u", app_name="a")\n';
const VERSION = 'v1-0123456789ab';
/** A parser that cannot be loaded: whatever is found comes from the cache. */
const NO_PARSER = { ...parserFiles, pythonWasm: '/nowhere/python.wasm', typescriptWasm: '/nowhere/typescript.wasm' };

describe('the cache of summaries', () => {
  let folder: string;
  let cache: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'modelswitch-cached-'));
    cache = join(mkdtempSync(join(tmpdir(), 'modelswitch-cache-')), 'callSites');
    write('wrap.py', `${CLIENT}def on(key):\n    return client.is_enabled(key)\n`);
    write('use.py', 'from wrap import on\non("a")\n');
    write('n.ipynb', JSON.stringify({ cells: [{ cell_type: 'code', source: 'from wrap import on\non("cell")' }] }));
    write('app.ts', 'import { Unleash } from "unleash-client";\nnew Unleash({}).isEnabled("ts");\n');
  });
  afterEach(() => [folder, join(cache, '..')].forEach((each) => rmSync(each, { recursive: true, force: true })));

  const write = (path: string, text: string): void => writeFileSync(join(folder, path), text);
  const files = (): readonly string[] => readdirSync(join(cache, VERSION)).map((name) => join(cache, VERSION, name));

  async function flags(parser = parserFiles, version = VERSION): Promise<readonly string[]> {
    const index = new FolderIndex({ folder, parser, cache: { folder: cache, version } });
    await index.scan(SIGNAL);
    index.dispose();
    return index.index.allFlags();
  }

  it('gives the second start what the first one parsed, with moved files, and nothing else', async () => {
    assert.deepEqual(await flags(), ['a', 'cell', 'ts']);
    assert.deepEqual(await flags(NO_PARSER), ['a', 'cell', 'ts']);
    mkdirSync(join(folder, 'moved'));
    rmSync(join(folder, 'use.py'));
    write('moved/use.py', 'from wrap import on\non("a")\n');
    assert.deepEqual(await flags(NO_PARSER), ['a', 'cell', 'ts']);
    write('use.py', 'from wrap import on\non("b")\n');
    assert.deepEqual(await flags(NO_PARSER), ['a', 'cell', 'ts']);
    assert.deepEqual(await flags(), ['a', 'b', 'cell', 'ts']);
    assert.deepEqual(await flags(NO_PARSER, 'v1-000000000000'), []);
  });

  it('tells languages apart whose files have the same content', async () => {
    const text = '# is_enabled isEnabled';
    write('same.py', text);
    write('same.ts', text);
    await flags();
    const names = files().map((file) => file.slice(cache.length + VERSION.length + 2));
    const same = names.map((name) => name.replace(/^\w+-/, '')).filter((name, index, all) => all.indexOf(name) !== index);
    assert.equal(same.length, 1);
  });

  it('parses again what is broken, foreign, cut off, exchanged or not to be read', async () => {
    await flags();
    const damage: readonly ((file: string, other: string) => void)[] = [
      (file) => writeFileSync(file, ''),
      (file) => writeFileSync(file, readFileSync(file).subarray(0, statSync(file).size - 5)),
      (file) => writeFileSync(file, '{"version": 1}'),
      (file) => writeFileSync(file, readFileSync(file, 'utf8').replace('"calls"', '"calIs"')),
      (file, other) => writeFileSync(file, readFileSync(other)),
      (file) => { rmSync(file); mkdirSync(file); },
    ];
    for (const change of damage) {
      const all = files().filter((file) => statSync(file).isFile());
      for (const [index, file] of all.entries()) change(file, all[(index + 1) % all.length]!);
      assert.deepEqual(await flags(), ['a', 'cell', 'ts']);
    }
  });

  it('finds the same when nothing can be written', async () => {
    writeFileSync(cache, 'a file stands where the folder should be');
    assert.deepEqual(await flags(), ['a', 'cell', 'ts']);
    assert.equal(readFileSync(cache, 'utf8'), 'a file stands where the folder should be');
  });

  it('stays within its size, the oldest first, and drops other versions but nothing foreign', async () => {
    await flags();
    const [oldest = '', ...others] = files();
    utimesSync(oldest, 1, 1);
    const total = files().reduce((sum, file) => sum + statSync(file).size, 0);
    for (const name of ['v1-ffffffffffff', 'other']) {
      mkdirSync(join(cache, name));
      writeFileSync(join(cache, name, 'x.json'), 'x');
    }
    new SummaryCache({ folder: cache, version: VERSION }).prune(total - 1);
    assert.ok(!files().includes(oldest));
    assert.ok(files().length > 0 && files().length <= others.length);
    assert.deepEqual(readdirSync(cache).sort(), ['other', VERSION]);
    new SummaryCache({ folder: cache, version: VERSION }).prune(0);
    assert.deepEqual(files(), []);
    assert.deepEqual(await flags(), ['a', 'cell', 'ts']);
  });

  it('belongs to the code that made it', () => {
    const code = join(folder, 'code.cjs');
    writeFileSync(code, 'one');
    const one = summaryVersion(code);
    writeFileSync(code, 'two');
    assert.match(one, new RegExp(`^v${SUMMARY_VERSION}-[0-9a-f]{12}$`));
    assert.notEqual(summaryVersion(code), one);
    // As esbuild names what is a bundle of its own, which may name others.
    writeFileSync(code, 'var a=require("./shared.cjs"),b=import("./gone.cjs");');
    const versions = new Set([summaryVersion(code)]);
    for (const [name, text] of [['shared', 'two'], ['shared', 'require("./inner.cjs");require("./code.cjs")'], ['inner', 'three'], ['inner', 'four']] as const) {
      writeFileSync(join(folder, `${name}.cjs`), text);
      versions.add(summaryVersion(code));
    }
    assert.equal(versions.size, 5);
  });

  it('is used by the thread of an index and by the threads that read for it', async function () {
    this.timeout(120_000);
    for (let index = 0; index < 260; index += 1) write(`m${index}.py`, `from wrap import on\non("f${index}")\n`);
    for (const parser of [parserFiles, NO_PARSER]) {
      const client = new IndexClient({ script, folder, parser, settings: NO_SETTINGS, exclude: [], cacheFolder: cache });
      await client.scan();
      assert.equal((await client.sites()).length, 264);
      client.dispose();
    }
    assert.ok(readdirSync(folder).every((name) => /\.(?:py|ipynb|ts)$/.test(name)), 'nothing was written into the folder');
  });
});
