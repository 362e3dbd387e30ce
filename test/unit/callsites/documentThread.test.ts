import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deserialize } from 'node:v8';
import fc from 'fast-check';
import { DocumentThread, type FolderLinks, type OpenText } from '../../../src/adapters/treeSitter/documentThread.ts';
import type { ContentChange } from '../../../src/adapters/treeSitter/tracker.ts';
import { AppError } from '../../../src/core/base/errors.ts';
import type { CallSite } from '../../../src/core/callsites/model.ts';
import type { FileSummary } from '../../../src/core/callsites/project/summary.ts';
import { callSitesOf, documentsScript, parserFiles } from './parser.ts';

const URI = 'file:///service.py';
const TEXT = 'KEY = "a"\n\ndef check(unleash):\n    return unleash.is_enabled(KEY)\n';

/** An editor's document: its text changes at once, and whoever follows it is told. */
class Document implements OpenText {
  readonly languageId = 'python';
  version = 1;
  text: string;

  constructor(text = TEXT) {
    this.text = text;
  }

  getText(): string {
    return this.text;
  }

  edit(old: string, inserted: string): ContentChange[] {
    const rangeOffset = this.text.indexOf(old);
    assert.notEqual(rangeOffset, -1, old);
    this.text = this.text.replace(old, () => inserted);
    this.version += 1;
    return [{ rangeOffset, rangeLength: old.length, text: inserted }];
  }
}

const keysOf = (sites: readonly CallSite[] | undefined): string[] | undefined => sites?.map(({ key }) => key.kind === 'dynamic' ? key.cause : key.value);

describe('the thread of open documents', function () {
  this.timeout(60_000);
  let thread: DocumentThread;
  afterEach(() => thread.dispose());

  const start = (links?: FolderLinks, script = documentsScript): DocumentThread => thread = new DocumentThread(script, { parser: parserFiles }, links);
  const keys = async (): Promise<string[] | undefined> => keysOf(await thread.callSites(URI));

  it('finds what a parse from scratch finds, whatever was edited, told or missed', async () => {
    start();
    const pieces = fc.constantFrom('"a"', 'KEY', '(', ')', 'unleash', '\n', '    ', 'is_enabled', 'def');
    const stroke = fc.record({ old: pieces, inserted: fc.constantFrom('', '"b"', 'KEY', '(', ')', '\n', '\nKEY = "c"\n', 'unleash.is_enabled("d")'), isMissed: fc.integer({ min: 0, max: 9 }), isAsked: fc.boolean() });
    await fc.assert(fc.asyncProperty(fc.array(stroke, { minLength: 1, maxLength: 12 }), async (strokes) => {
      const document = new Document();
      thread.open(URI, document);
      for (const { old, inserted, isMissed, isAsked } of strokes) {
        if (!document.text.includes(old)) continue;
        const changes = document.edit(old, inserted);
        thread.change(URI, isMissed === 0 ? [] : changes);
        if (isAsked) assert.deepEqual(await thread.callSites(URI), await callSitesOf(document.text), document.text);
      }
      assert.deepEqual(await thread.callSites(URI), await callSitesOf(document.text), document.text);
    }), { seed: 20261129, numRuns: 100 });
  });

  it('gives everybody the call sites of the newest text, also who asked before it changed', async () => {
    start();
    const document = new Document();
    thread.open(URI, document);
    const early = [keys(), keys()];
    thread.change(URI, document.edit('"a"', '"b"'));
    const middle = keys();
    thread.change(URI, document.edit('"b"', '"c"'));
    assert.deepEqual(await Promise.all([...early, middle, keys()]), [['c'], ['c'], ['c'], ['c']]);
    assert.equal(await thread.callSites(URI), await thread.callSites(URI), 'a text that was read is not read again');
  });

  it('gives nothing of a document that closed meanwhile, and starts anew with one of the same name', async () => {
    start();
    thread.open(URI, new Document());
    const asked = keys();
    thread.close(URI);
    assert.equal(await asked, undefined);
    thread.open(URI, new Document(TEXT.replace('"a"', '"other"')));
    assert.deepEqual(await keys(), ['other']);
    thread.open('file:///a.txt', Object.assign(new Document(), { languageId: 'plaintext' }));
    assert.deepEqual(await thread.callSites('file:///a.txt'), []);
    assert.equal(await thread.callSites('file:///nowhere.py'), undefined);
  });

  it('never lets a text that is out of date, or closed, stand in for its file', async () => {
    const linked: string[] = [];
    start({
      names: () => new Set(),
      link: (uri, summary) => {
        const { module } = deserialize(summary) as FileSummary;
        linked.push(`${uri} ${JSON.stringify(module).includes('"old"') ? 'old' : 'new'}`);
        return Promise.resolve(undefined);
      },
      close: (uri) => void linked.push(`${uri} closed`),
    });
    const document = new Document(TEXT.replace('"a"', '"old"'));
    thread.open(URI, document);
    const asked = keys();
    thread.change(URI, document.edit('"old"', '"fresh"'));
    assert.deepEqual(await asked, ['fresh']);
    assert.deepEqual(linked, [`${URI} new`]);
    thread.open('file:///b.py', new Document());
    const other = thread.callSites('file:///b.py');
    thread.close('file:///b.py');
    assert.equal(await other, undefined);
    assert.deepEqual(linked, [`${URI} new`, 'file:///b.py closed']);
  });

  it('looks for the wrappers that the folder has by then, and asks the folder again after a change', async () => {
    let names: ReadonlySet<string> = new Set();
    let answer = 'first';
    start({
      names: () => names,
      link: async () => (await callSitesOf(`unleash.is_enabled("${answer}")`)),
      close: () => undefined,
    });
    thread.open(URI, new Document('from flags import on\non("x")\n'));
    assert.deepEqual(await keys(), [], 'no question and no known wrapper: nothing to link');
    names = new Set(['on']);
    thread.forgetAnswers();
    assert.deepEqual(await keys(), ['first']);
    answer = 'second';
    assert.deepEqual(await keys(), ['first']);
    thread.forgetAnswers();
    assert.deepEqual(await keys(), ['second']);
  });

  describe('that ends', () => {
    let folder: string;
    beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'modelswitch-documents-'))));
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    it('starts again with the texts as they are then, but not for ever', async () => {
      const mortal = join(folder, 'ends.mjs');
      const worker = JSON.stringify(new URL(`file://${documentsScript}`).href);
      writeFileSync(mortal, `import { parentPort } from 'node:worker_threads';\nparentPort.on('message', ({ current }) => { if (current?.text.includes('"end"')) process.exit(1); });\nawait import(${worker});\n`);
      start(undefined, mortal);
      const document = new Document();
      thread.open(URI, document);
      assert.deepEqual(await keys(), ['a']);
      for (const key of ['"b"', '"c"']) {
        thread.change(URI, document.edit(/"\w+"/.exec(document.text)?.[0] ?? '', '"end"'));
        await assert.rejects(keys(), (error) => error instanceof AppError && error.code === 'internal');
        thread.change(URI, document.edit('"end"', key));
        assert.deepEqual(await keys(), [key.slice(1, -1)]);
      }
      thread.change(URI, document.edit('"c"', '"end"'));
      await assert.rejects(keys());
      await assert.rejects(keys(), /several times/);
    });

    it('says which file of the parser is missing, and looks for it again', async () => {
      const pythonWasm = join(folder, 'python.wasm');
      thread = new DocumentThread(documentsScript, { parser: { ...parserFiles, pythonWasm } });
      thread.open(URI, new Document());
      await assert.rejects(keys(), (error) => error instanceof AppError && error.code === 'internal' && error.message.includes(pythonWasm));
      copyFileSync(parserFiles.pythonWasm, pythonWasm);
      assert.deepEqual(await keys(), ['a']);
    });
  });
});
