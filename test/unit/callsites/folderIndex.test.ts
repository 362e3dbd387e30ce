import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '../../../src/core/base/errors.ts';
import { NO_SETTINGS } from '../../../src/core/callsites/project/linker.ts';
import { DocumentThread, type OpenText } from '../../../src/adapters/treeSitter/documentThread.ts';
import { FolderIndex } from '../../../src/adapters/workspaceIndex/folderIndex.ts';
import { IndexClient } from '../../../src/adapters/workspaceIndex/indexClient.ts';
import { readNotebook } from '../../../src/adapters/workspaceIndex/notebook.ts';
import { eventually } from '../../support/eventually.ts';
import { documentsScript, parserFiles } from './parser.ts';

const parser = parserFiles;
const script = fileURLToPath(new URL('../../../src/adapters/workspaceIndex/index.worker.ts', import.meta.url));
const SIGNAL = new AbortController().signal;
const CLIENT = 'from UnleashClient import UnleashClient\nclient = UnleashClient(url="u", app_name="a")\n';

describe('the index of a folder', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'modelswitch-folder-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function write(path: string, content: string | Buffer): void {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }

  async function scanned(options: { readonly exclude?: readonly string[]; readonly threads?: boolean } = {}): Promise<FolderIndex> {
    const files = new FolderIndex({ folder, parser, ...(options.exclude ? { exclude: options.exclude } : {}), ...(options.threads === true ? { script } : {}) });
    await files.scan(SIGNAL);
    files.dispose();
    return files;
  }

  const asks = (key: string): string => `${CLIENT}client.is_enabled("${key}")\n`;

  it('passes over what .gitignore at any level, excludes and conventions name', async () => {
    write('a.py', asks('a'));
    write('.gitignore', 'generated/\n*_pb2.py\n/top.py\n');
    write('generated/x.py', asks('generated'));
    write('api_pb2.py', asks('pb2'));
    write('top.py', asks('top'));
    write('deep/top.py', asks('deep-top'));
    write('deep/.gitignore', 'secret.py\n!kept_pb2.py\n');
    write('deep/secret.py', asks('secret'));
    write('deep/kept_pb2.py', asks('kept'));
    write('deep/more/secret.py', asks('deeper-secret'));
    write('secret.py', asks('outer-secret'));
    write('legacy/old.py', asks('legacy'));
    write('one.gen.py', asks('gen'));
    write('node_modules/x.py', asks('modules'));
    write('.hidden/x.py', asks('hidden'));
    const { index } = await scanned({ exclude: ['legacy/**', '**/*.{gen,tmp}.py'] });
    assert.deepEqual(index.allFlags(), ['a', 'deep-top', 'kept', 'outer-secret']);
  });

  it('survives links in circles, broken syntax, other encodings, huge files and broken notebooks, and says so', async () => {
    write('a.py', asks('a'));
    mkdirSync(join(folder, 'loop'));
    symlinkSync(folder, join(folder, 'loop', 'again'));
    symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling.py'));
    write('broken.py', `def x(:\n  = =\n${asks('broken')}`);
    write('latin.py', Buffer.concat([Buffer.from(asks('latin')), Buffer.from('# caf'), Buffer.from([0xe9]), Buffer.from('\n')]));
    write('huge.py', `${asks('huge')}${'x = 1\n'.repeat(900_000)}`);
    write('binary.py', Buffer.from([0, 1, 2, 255, 254, 0]));
    write('empty.py', '');
    write('bad.ipynb', '{"cells": [ is_enabled');
    write('other.ipynb', '{"is_enabled": 1}');
    const files = await scanned();
    assert.deepEqual(files.index.allFlags(), ['a', 'broken', 'latin']);
    assert.deepEqual(files.limits().map(({ path, limit }) => `${path}: ${limit.slice(0, 30)}`).sort(), [
      'bad.ipynb: The file cannot be understood:', 'broken.py: The file has syntax errors: wh', 'huge.py: The file has 5.4 MB; files ove', 'latin.py: The file is not UTF-8: keys wi', 'other.ipynb: The file cannot be understood:',
    ]);
  });

  it('says that a folder is not there', async () => {
    const files = new FolderIndex({ folder: join(folder, 'nowhere'), parser });
    await assert.rejects(files.scan(SIGNAL), (error) => error instanceof AppError && error.code === 'notFound');
  });

  it('forgets on the next scan what is gone, and takes what is new', async () => {
    write('a.py', asks('a'));
    write('b.py', asks('b'));
    const files = await scanned();
    rmSync(join(folder, 'a.py'));
    write('c.py', asks('c'));
    await files.scan(SIGNAL);
    assert.deepEqual(files.index.allFlags(), ['b', 'c']);
  });

  it('takes a folder that comes or goes for all that is in it', async () => {
    write('a.py', asks('a'));
    write('pkg/inner/b.py', asks('b'));
    write('pkg2/c.py', asks('c'));
    const files = await scanned();
    rmSync(join(folder, 'pkg'), { recursive: true });
    await files.update([], ['pkg'], SIGNAL);
    assert.deepEqual(files.index.allFlags(), ['a', 'c']);
    write('moved/in/d.py', asks('d'));
    write('LOCK', '');
    await files.update(['LOCK'], [], SIGNAL);
    assert.deepEqual(files.index.allFlags(), ['a', 'c']);
    await files.update(['moved'], ['gone'], SIGNAL);
    assert.deepEqual(files.index.allFlags(), ['a', 'c', 'd']);
  });

  it('takes up what project files and .gitignore say anew', async () => {
    write('lib/keys.ts', 'export const KEY = "mapped";\n');
    write('main.ts', 'import { Unleash } from "unleash-client";\nimport { KEY } from "~lib";\nnew Unleash({}).isEnabled(KEY);\n');
    write('late.py', asks('late'));
    const files = await scanned();
    assert.deepEqual(files.index.allFlags(), ['late']);
    write('tsconfig.json', '{"extends": "./tsconfig.base"}');
    write('tsconfig.base.json', '{"compilerOptions": {"paths": {"~lib": ["lib/keys"]}}} // comment');
    await files.update(['tsconfig.base.json'], [], SIGNAL);
    assert.deepEqual(files.index.allFlags(), ['late', 'mapped']);
    write('.gitignore', 'late.py\n');
    await files.update(['.gitignore'], [], SIGNAL);
    assert.deepEqual(files.index.allFlags(), ['mapped']);
    rmSync(join(folder, 'tsconfig.json'));
    await files.update(['tsconfig.json'], [], SIGNAL);
    assert.deepEqual(files.index.allFlags(), []);
  });

  it('reads many files in threads and finds the same', async function () {
    this.timeout(120_000);
    write('flags.py', `${CLIENT}def on(key):\n    return client.is_enabled(key)\n`);
    for (let index = 0; index < 260; index += 1) write(`pkg/m${index}.py`, index % 20 === 0 ? `from flags import on\non("f${index}")\n` : 'x = 1\n');
    const threaded = await scanned({ threads: true });
    const local = await scanned();
    assert.equal(threaded.index.allFlags().length, 13);
    assert.deepEqual([...threaded.index.all()], [...local.index.all()]);
  });

  it('finds calls in notebooks, with constants of earlier cells, around magics', async () => {
    const cells = [
      { cell_type: 'markdown', source: ['# client.is_enabled("markdown")'] },
      { cell_type: 'code', source: ['%matplotlib inline\n', '!pip install UnleashClient\n', 'from UnleashClient import UnleashClient\n', 'client = UnleashClient(url="u", app_name="n")\n', 'KEY = "cell"'] },
      { cell_type: 'code', source: '%time client.is_enabled(KEY)\nif True:\n    %time 1\n    !ls\nclient?\nclient.get_variant("two")' },
      { cell_type: 'code', source: '%%bash\necho client.is_enabled("bash")' },
      { cell_type: 'code', source: '%%time\nclient.is_enabled("timed")' },
    ];
    write('n.ipynb', JSON.stringify({ cells, nbformat: 4 }));
    const { index } = await scanned();
    const starts = readNotebook(JSON.stringify({ cells })).cells;
    const places = index.sitesIn('n.ipynb').map(({ range, keys }) => {
      const cell = starts.findLast(({ line }) => line <= range.start.line)!;
      return `${cell.cell}:${range.start.line - cell.line + 1}:${range.start.character + 1} ${keys[0]?.value}`;
    });
    assert.deepEqual(places, ['3:1:7 cell', '3:6:1 two', '5:2:1 timed']);
    assert.deepEqual(index.limits(), []);
  });

  describe('in a thread', () => {
    let client: IndexClient;
    afterEach(() => client.dispose());

    function start(): IndexClient {
      return client = new IndexClient({ script, folder, parser, settings: NO_SETTINGS, exclude: [] });
    }

    it('answers, follows saves and tells of names, progress and changes', async function () {
      this.timeout(60_000);
      write('keys.py', 'KEY = "saved"\n');
      write('flags.py', `${CLIENT}def on(key):\n    return client.is_enabled(key)\n`);
      write('use.py', 'from flags import on\nfrom keys import KEY\non(KEY)\n');
      start();
      const seen = { finished: false, changes: 0 };
      client.onDidProgress(({ finished }) => (seen.finished ||= finished));
      client.onDidChange(() => (seen.changes += 1));
      await client.scan();
      assert.deepEqual((await client.sites('saved')).map(({ path, site }) => [path, site.via]), [['use.py', 'wrapper']]);
      assert.deepEqual([seen.finished, seen.changes > 0, client.names.has('on')], [true, true, true]);
      write('keys.py', 'KEY = "again"\n');
      await client.update(['keys.py'], []);
      assert.deepEqual((await client.sites()).map(({ path, site }) => [path, site.keys[0]?.value]), [['flags.py', undefined], ['use.py', 'again']]);
      assert.deepEqual(await client.limits(), []);
    });

    it('starts again with all it knew when its thread ends, but not for ever', async function () {
      this.timeout(60_000);
      write('a.py', asks('a'));
      const broken = join(folder, 'ends.mjs');
      writeFileSync(broken, `import { parentPort } from 'node:worker_threads';\nawait import(${JSON.stringify(new URL(`file://${script}`).href)});\nparentPort.on('message', ({ kind }) => { if (kind === 'update') process.exit(1); });\n`);
      client = new IndexClient({ script: broken, folder, parser, settings: NO_SETTINGS, exclude: [] });
      await client.scan();
      for (let round = 0; round < 3; round += 1) {
        await eventually(async () => (await client.sites('a')).length === 1, 30_000);
        await assert.rejects(client.update(['a.py'], []), (error) => error instanceof AppError && error.code === 'internal');
      }
      await assert.rejects(client.sites('a'), /several times/);
    });

    it('is cancelled, and says when there is no such folder', async function () {
      this.timeout(60_000);
      write('a.py', asks('a'));
      start();
      const abort = new AbortController();
      const scan = client.scan(abort.signal);
      abort.abort();
      await assert.rejects(scan, (error) => error instanceof AppError && error.code === 'cancelled');
      await client.scan();
      assert.equal((await client.sites('a')).length, 1);
      rmSync(folder, { recursive: true });
      await assert.rejects(client.scan(), (error) => error instanceof AppError && error.code === 'notFound');
    });

    it('links open documents with the folder, and gives the file back when they close', async function () {
      this.timeout(60_000);
      write('keys.py', 'KEY = "saved"\n');
      write('flags.py', `${CLIENT}def on(key):\n    return client.is_enabled(key)\n`);
      write('use.py', 'pass\n');
      start();
      await client.scan();
      const documents = new DocumentThread(documentsScript, { parser }, {
        names: () => client.names,
        link: (path, summary) => client.link(path, summary),
        close: (path) => void client.link(path, undefined).catch(() => undefined),
      });
      const keys = async (path: string): Promise<unknown> => (await documents.callSites(path))?.map(({ key, via }) => [key.kind === 'dynamic' ? key.cause : key.value, via]);
      const text = (content: string): OpenText => ({ languageId: 'python', version: 1, getText: () => content });
      documents.open('use.py', text('from flags import on\nfrom keys import KEY\non(KEY)\n'));
      assert.deepEqual(await keys('use.py'), [['saved', 'wrapper']]);
      documents.open('keys.py', text('KEY = "unsaved"  # on\n'));
      await keys('keys.py');
      documents.forgetAnswers();
      assert.deepEqual(await keys('use.py'), [['unsaved', 'wrapper']]);
      documents.close('keys.py');
      documents.forgetAnswers();
      assert.deepEqual(await keys('use.py'), [['saved', 'wrapper']]);
      documents.dispose();
    });
  });
});
