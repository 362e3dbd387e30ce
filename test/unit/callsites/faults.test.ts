import assert from 'node:assert/strict';
import { createParser } from '../../../src/adapters/treeSitter/parser.ts';
import { CallSiteTracker } from '../../../src/adapters/treeSitter/tracker.ts';
import { AppError } from '../../../src/core/base/errors.ts';
import type { CallSite, Range } from '../../../src/core/callsites/model.ts';
import { pythonDetector } from '../../../src/core/callsites/python/detector.ts';
import { callSitesOf, pythonParser, wasmFiles } from './parser.ts';

function keys(sites: readonly CallSite[]): readonly string[] {
  return sites.map(({ key }) => key.kind === 'dynamic' ? `dynamic ${key.cause}` : key.value);
}

/** The text of a range, with lines as editors count them. */
function textIn(text: string, range: Range | undefined): string {
  assert.ok(range, 'a range is there');
  const lines = text.split(/(?<=\r\n|\r(?!\n)|\n)/);
  const offset = ({ line, character }: Range['start']): number => lines.slice(0, line).join('').length + character;
  return text.slice(offset(range.start), offset(range.end));
}

/** Positions checked against the text itself, not against other positions. */
async function assertPositions(text: string, calls: readonly { readonly call: string; readonly key: string; readonly name: string }[]): Promise<void> {
  const sites = await callSitesOf(text);
  assert.deepEqual(sites.map(({ range, keyRange, nameRange }) => ({ call: textIn(text, range), key: textIn(text, keyRange), name: textIn(text, nameRange) })), calls);
}

describe('positions of call sites', () => {
  it('count lines and UTF-16 columns as editors do', async () => {
    const [site] = await callSitesOf('# one\nif unleash.is_enabled("a", {}): pass\n');
    assert.deepEqual(site?.range, { start: { line: 1, character: 3 }, end: { line: 1, character: 30 } });
    assert.deepEqual(site.nameRange, { start: { line: 1, character: 11 }, end: { line: 1, character: 21 } });
    assert.deepEqual(site.keyRange, { start: { line: 1, character: 22 }, end: { line: 1, character: 25 } });
    assert.deepEqual(site.arguments, { context: true, fallback: false });
    assert.equal(site.via, 'direct');
  });

  it('are right behind emoji, combining and wide characters on the same line', async () => {
    const text = 'x = "😀👩‍👩‍👧é漢"; unleash.is_enabled("schlüssel-😀"); unleash.get_variant("b")\n';
    await assertPositions(text, [
      { call: 'unleash.is_enabled("schlüssel-😀")', key: '"schlüssel-😀"', name: 'is_enabled' },
      { call: 'unleash.get_variant("b")', key: '"b"', name: 'get_variant' },
    ]);
    const [first] = await callSitesOf(text);
    assert.equal(first?.range.start.character, text.indexOf('unleash'));
  });

  for (const [name, ending] of [['LF', '\n'], ['CRLF', '\r\n'], ['CR', '\r']] as const) {
    it(`are right in a text with ${name} line endings`, async () => {
      const text = ['def check(unleash):', '\tif unleash.is_enabled(', '\t\t"a",', '\t\t{},', '\t):', '\t\treturn unleash.get_variant(feature_name="b")', ''].join(ending);
      await assertPositions(text, [
        { call: ['unleash.is_enabled(', '\t\t"a",', '\t\t{},', '\t)'].join(ending), key: '"a"', name: 'is_enabled' },
        { call: 'unleash.get_variant(feature_name="b")', key: '"b"', name: 'get_variant' },
      ]);
    });
  }

  it('start at the receiver of a chain that is spread over lines', async () => {
    const text = 'result = (\n    app\n    .unleash\n    .is_enabled(\n        "a"\n    )\n)\n';
    const [site] = await callSitesOf(text);
    assert.deepEqual(site?.range.start, { line: 1, character: 4 });
    assert.deepEqual(site.nameRange.start, { line: 3, character: 5 });
  });

  it('say which further arguments are written', async () => {
    const sites = await callSitesOf('unleash.is_enabled("a")\nunleash.is_enabled("a", c, f)\nunleash.is_enabled("a", fallback_function=f)\nunleash.get_variant("a", context=c)\n');
    assert.deepEqual(sites.map((site) => site.arguments), [
      { context: false, fallback: false }, { context: true, fallback: true }, { context: false, fallback: true }, { context: true, fallback: false },
    ]);
  });
});

describe('call sites in unusual texts', () => {
  it('are none in an empty text', async () => {
    assert.deepEqual(await callSitesOf(''), []);
    assert.deepEqual(await callSitesOf('\n\n   \n'), []);
    assert.deepEqual(await callSitesOf('is_enabled'), []);
  });

  it('are found around a syntax error', async () => {
    const text = [
      'KEY = "constant"', 'def before(unleash):', '    unleash.is_enabled("before")', '', 'def broken(unleash:', '    x = = (', '    return ]', '',
      'def after(unleash):', '    unleash.is_enabled("after")', '    unleash.get_variant(KEY)', '',
    ].join('\n');
    assert.deepEqual(keys(await callSitesOf(text)), ['before', 'after', 'constant']);
    await assertPositions(text, [
      { call: 'unleash.is_enabled("before")', key: '"before"', name: 'is_enabled' },
      { call: 'unleash.is_enabled("after")', key: '"after"', name: 'is_enabled' },
      { call: 'unleash.get_variant(KEY)', key: 'KEY', name: 'get_variant' },
    ]);
  });

  it('are found below an unclosed bracket, with the receivers that are written', async () => {
    const text = 'x = compute(\n\ndef after(self, logger):\n    self.feature_flags.is_enabled("a")\n    self.logger.is_enabled("b")\n    app.unleash.get_variant("c")\n';
    await assertPositions(text, [
      { call: 'self.feature_flags.is_enabled("a")', key: '"a"', name: 'is_enabled' },
      { call: 'app.unleash.get_variant("c")', key: '"c"', name: 'get_variant' },
    ]);
  });

  it('are found while a call is being typed', async () => {
    assert.deepEqual(keys(await callSitesOf('unleash.is_enabled("a")\nunleash.is_enabled(\n')).slice(0, 1), ['a']);
    assert.deepEqual(keys(await callSitesOf('unleash.is_enabled("a")\nif unleash.is_enabled("b":\n    pass\nunleash.is_enabled("c")\n')), ['a', 'b', 'c']);
    assert.deepEqual(keys(await callSitesOf('unleash.is_enabled(f"{}")\n')), ['dynamic expression']);
  });

  it('are found behind a byte order mark, form feeds and tabs', async () => {
    assert.deepEqual(keys(await callSitesOf('\uFEFFunleash.is_enabled("a")\n\f\nif x:\n\t\tunleash.is_enabled("b")\n')), ['a', 'b']);
  });

  it('are found in names of other alphabets', async () => {
    assert.deepEqual(keys(await callSitesOf('SCHLÜSSEL = "ä"\nÜSSEL = "kein"\nunleash.is_enabled(SCHLÜSSEL)\nunleash.is_enabled(ÜSSEL)\n')), ['ä', 'kein']);
  });

  it('are found in a text of 1 MB', async function () {
    this.timeout(20_000);
    const filler = Array.from({ length: 20_000 }, (_, index) => `value_${index} = compute(${index}, "text ${index}", scale=1.5)`).join('\n');
    const text = `unleash.is_enabled("first")\n${filler}\nLAST = "last"\nunleash.is_enabled(LAST)\n`;
    assert.ok(text.length > 1_000_000);
    assert.deepEqual(keys(await callSitesOf(text)), ['first', 'last']);
  });

  it('are found in one line of 500 kB', async function () {
    this.timeout(20_000);
    const text = `KEYS = [${'"x", '.repeat(100_000)}unleash.is_enabled("a")]; K = "b"; unleash.is_enabled(K)\n`;
    const sites = await callSitesOf(text);
    assert.deepEqual(keys(sites), ['a', 'b']);
    assert.equal(sites[1]?.range.start.character, text.lastIndexOf('unleash'));
  });

  it('are found in deep brackets and blocks', async function () {
    this.timeout(20_000);
    const brackets = `x = ${'('.repeat(3_000)}unleash.is_enabled("deep")${')'.repeat(3_000)}\n`;
    const blocks = `${Array.from({ length: 90 }, (_, depth) => `${' '.repeat(depth)}if x:\n`).join('')}${' '.repeat(90)}unleash.is_enabled("block")\n`;
    assert.deepEqual(keys(await callSitesOf(brackets + blocks)), ['deep', 'block']);
    assert.deepEqual(keys(await callSitesOf(`unleash.is_enabled(${'"a" + '.repeat(500)}"b")\n`)), ['dynamic expression']);
  });

  it('do not take long when names run in circles', async () => {
    const names = Array.from({ length: 60 }, (_, index) => `n${index}`);
    const text = [...names.flatMap((name) => names.slice(0, 12).map((other) => `${name} = ${other}`)), 'n0.is_enabled(n1)', 'unleash.is_enabled(n0)'].join('\n');
    assert.deepEqual(keys(await callSitesOf(text)), ['dynamic reassigned']);
  });
});

describe('loading the parser', () => {
  it('takes bytes as well as paths', async () => {
    const { readFileSync } = await import('node:fs');
    const parser = await createParser({ runtimeWasm: readFileSync(wasmFiles.runtimeWasm), grammarWasm: readFileSync(wasmFiles.grammarWasm) });
    const tree = parser.parse('x = 1\n');
    assert.equal(tree.hasError, false);
    tree.delete();
  });

  it('says which file is missing, and is tried again', async () => {
    const wrong = { ...wasmFiles, grammarWasm: '/nowhere/python.wasm' };
    let attempts = 0;
    const tracker = new CallSiteTracker([{
      detector: pythonDetector,
      loadParser: () => {
        attempts += 1;
        return attempts === 1 ? createParser(wrong) : pythonParser();
      },
    }]);
    tracker.open('a', 'python', 1, 'unleash.is_enabled("a")');
    await assert.rejects(tracker.callSites('a'), (error) => error instanceof AppError && error.code === 'internal' && error.message.includes('/nowhere/python.wasm'));
    assert.deepEqual(keys((await tracker.callSites('a'))?.callSites ?? []), ['a']);
    tracker.dispose();
  });
});
