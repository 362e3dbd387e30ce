import assert from 'node:assert/strict';
import type { ParsedTree, SyntaxParser } from '../../../src/adapters/treeSitter/parser.ts';
import { CallSiteTracker, type ContentChange } from '../../../src/adapters/treeSitter/tracker.ts';
import { pythonDetector } from '../../../src/core/callsites/python/detector.ts';
import { pythonParser } from './parser.ts';

/** Counts what is asked of a real parser, and the trees that nobody deleted. */
class CountingParser implements SyntaxParser {
  readonly #inner: SyntaxParser;
  parses = 0;
  reparses = 0;
  readonly alive = new Set<ParsedTree>();

  constructor(inner: SyntaxParser) {
    this.#inner = inner;
  }

  parse(text: string): ParsedTree {
    this.parses += 1;
    return this.#watched(this.#inner.parse(text));
  }

  reparse(...[old, ...rest]: Parameters<SyntaxParser['reparse']>): ReturnType<SyntaxParser['reparse']> {
    this.reparses += 1;
    this.alive.delete(old);
    return this.#watched(this.#inner.reparse(old, ...rest));
  }

  #watched(tree: ParsedTree): ParsedTree {
    this.alive.add(tree);
    const free = tree.delete.bind(tree);
    tree.delete = () => {
      this.alive.delete(tree);
      free();
    };
    return tree;
  }
}

const URI = 'file:///service.py';
const TEXT = 'KEY = "a"\n\ndef check(unleash):\n    return unleash.is_enabled(KEY)\n';

async function tracked(text = TEXT): Promise<{ readonly tracker: CallSiteTracker; readonly parser: CountingParser; readonly loads: () => number }> {
  const parser = new CountingParser(await pythonParser());
  let loads = 0;
  const tracker = new CallSiteTracker([{
    detector: pythonDetector,
    loadParser: () => {
      loads += 1;
      return Promise.resolve(parser);
    },
  }]);
  tracker.open(URI, 'python', 1, text);
  return { tracker, parser, loads: () => loads };
}

async function keys(tracker: CallSiteTracker, uri = URI): Promise<readonly string[]> {
  return ((await tracker.callSites(uri))?.callSites ?? []).map(({ key }) => key.kind === 'dynamic' ? key.cause : key.value);
}

/** Replaces a piece of the text that occurs once. */
function replacing(text: string, old: string, inserted: string): { readonly text: string; readonly change: ContentChange } {
  const rangeOffset = text.indexOf(old);
  assert.notEqual(rangeOffset, -1, old);
  return { text: text.replace(old, () => inserted), change: { rangeOffset, rangeLength: old.length, text: inserted } };
}

describe('the tracker of call sites', () => {
  it('loads and parses nothing for a text without a call name', async () => {
    const { tracker, parser, loads } = await tracked('def check(unleash):\n    return unleash.enabled("a")\n');
    assert.deepEqual(await tracker.callSites(URI), { version: 1, callSites: [] });
    assert.equal(loads(), 0);
    tracker.change(URI, 2, TEXT, []);
    assert.deepEqual(await keys(tracker), ['a']);
    assert.equal(loads(), 1);
    assert.equal(parser.parses, 1);
  });

  it('parses once per version, however often it is asked', async () => {
    const { tracker, parser } = await tracked();
    await Promise.all([tracker.callSites(URI), tracker.callSites(URI)]);
    await tracker.callSites(URI);
    assert.deepEqual([parser.parses, parser.reparses], [1, 0]);
    const { text, change } = replacing(TEXT, '"a"', '"b"');
    tracker.change(URI, 2, text, [change]);
    assert.deepEqual(await keys(tracker), ['b']);
    await tracker.callSites(URI);
    assert.deepEqual([parser.parses, parser.reparses], [1, 1]);
  });

  it('does not parse versions that nobody asks for', async () => {
    const { tracker, parser } = await tracked();
    await tracker.callSites(URI);
    let text = TEXT;
    for (let version = 2; version < 12; version += 1) {
      tracker.change(URI, version, `#${text}`, [{ rangeOffset: 0, rangeLength: 0, text: '#' }]);
      text = `#${text}`;
    }
    const found = await tracker.callSites(URI);
    assert.equal(found?.version, 11);
    assert.deepEqual([parser.parses, parser.reparses], [1, 1]);
  });

  it('follows a constant that is defined anew elsewhere in the file', async () => {
    const { tracker } = await tracked(TEXT);
    assert.deepEqual(await keys(tracker), ['a']);
    const second = replacing(TEXT, '    return unleash', '    KEY = "local"\n    return unleash');
    tracker.change(URI, 2, second.text, [second.change]);
    assert.deepEqual(await keys(tracker), ['local']);
    const third = replacing(second.text, '    KEY = "local"\n', '    global KEY\n    KEY = "again"\n');
    tracker.change(URI, 3, third.text, [third.change]);
    assert.deepEqual(await keys(tracker), ['reassigned']);
    const fourth = replacing(third.text, '    global KEY\n    KEY = "again"\n', '');
    tracker.change(URI, 4, fourth.text, [fourth.change]);
    assert.deepEqual(await keys(tracker), ['a']);
  });

  it('follows a use into another scope when the line between is removed', async () => {
    const text = 'KEY = "module"\n\ndef f(unleash):\n    KEY = "local"\ndef g(unleash):\n    return unleash.is_enabled(KEY)\n';
    const { tracker } = await tracked(text);
    assert.deepEqual(await keys(tracker), ['module']);
    const joined = replacing(text, 'def g(unleash):\n', '');
    tracker.change(URI, 2, joined.text, [joined.change]);
    assert.deepEqual(await keys(tracker), ['local']);
  });

  it('moves call sites that were not touched', async () => {
    const { tracker } = await tracked();
    await tracker.callSites(URI);
    tracker.change(URI, 2, `# 😀\n\n${TEXT}`, [{ rangeOffset: 0, rangeLength: 0, text: '# 😀\n\n' }]);
    const found = await tracker.callSites(URI);
    assert.deepEqual(found?.callSites.map(({ range }) => range.start), [{ line: 5, character: 11 }]);
  });

  it('takes several changes of one event in any order', async () => {
    const text = 'A = "a"\nB = "b"\nunleash.is_enabled(A)\nunleash.is_enabled(B)\n';
    for (const order of [1, -1]) {
      const { tracker, parser } = await tracked(text);
      await tracker.callSites(URI);
      const changes = [{ rangeOffset: 5, rangeLength: 1, text: 'first' }, { rangeOffset: 13, rangeLength: 1, text: 'second' }];
      tracker.change(URI, 2, text.replace('"a"', '"first"').replace('"b"', '"second"'), order === 1 ? changes : changes.reverse());
      assert.deepEqual(await keys(tracker), ['first', 'second']);
      assert.deepEqual([parser.parses, parser.reparses], [1, 1]);
    }
  });

  it('follows several events at once, each in the text that the one before it left', async () => {
    const { tracker, parser } = await tracked();
    await tracker.callSites(URI);
    const first = replacing(TEXT, 'KEY = "a"', 'import os\n\nKEY = "first"');
    const second = replacing(first.text, '"first"', '"second"');
    tracker.changes(URI, 3, second.text, [[first.change], [second.change]]);
    assert.deepEqual(await keys(tracker), ['second']);
    assert.deepEqual([parser.parses, parser.reparses], [1, 1]);
  });

  it('parses from scratch when the changes do not lead to the text, or are many', async () => {
    const { tracker, parser } = await tracked();
    await tracker.callSites(URI);
    tracker.change(URI, 2, TEXT.replace('"a"', '"missed"'), []);
    assert.deepEqual(await keys(tracker), ['missed']);
    assert.deepEqual([parser.parses, parser.reparses], [2, 0]);
    const crlf = TEXT.replaceAll('\n', '\r\n');
    tracker.change(URI, 3, crlf, []);
    assert.deepEqual(await keys(tracker), ['a']);
    assert.equal(parser.parses, 3);
    const spaces = Array.from({ length: 200 }, () => ({ rangeOffset: crlf.length, rangeLength: 0, text: '\n' }));
    tracker.change(URI, 4, crlf + '\n'.repeat(200), spaces);
    assert.deepEqual(await keys(tracker), ['a']);
    assert.deepEqual([parser.parses, parser.reparses], [4, 0]);
    assert.equal(parser.alive.size, 1);
  });

  it('parses from scratch while the text is broken, and incrementally again when it is whole', async () => {
    const { tracker, parser } = await tracked();
    await tracker.callSites(URI);
    const broken = replacing(TEXT, '(KEY)', '(KEY');
    tracker.change(URI, 2, broken.text, [broken.change]);
    await tracker.callSites(URI);
    assert.deepEqual([parser.parses, parser.reparses], [2, 1]);
    tracker.change(URI, 3, TEXT, [{ rangeOffset: TEXT.indexOf('(KEY') + 4, rangeLength: 0, text: ')' }]);
    assert.deepEqual(await keys(tracker), ['a']);
    assert.deepEqual([parser.parses, parser.reparses], [2, 2]);
    assert.equal(parser.alive.size, 1);
  });

  it('survives edits beside an empty hole', async () => {
    const text = 'unleash.is_enabled(f"{}")\nunleash.is_enabled("a")\n';
    const { tracker } = await tracked(text);
    assert.deepEqual(await keys(tracker), ['expression', 'a']);
    tracker.change(URI, 2, `\n${text}`, [{ rangeOffset: 0, rangeLength: 0, text: '\n' }]);
    assert.deepEqual(await keys(tracker), ['expression', 'a']);
  });

  it('frees trees of documents that close, open anew or lose their last call', async () => {
    const { tracker, parser } = await tracked();
    await tracker.callSites(URI);
    tracker.open('file:///b.py', 'python', 1, TEXT);
    await tracker.callSites('file:///b.py');
    assert.equal(parser.alive.size, 2);
    tracker.open(URI, 'python', 5, TEXT);
    await tracker.callSites(URI);
    assert.equal(parser.alive.size, 2);
    tracker.change(URI, 6, 'pass\n', [{ rangeOffset: 0, rangeLength: TEXT.length, text: 'pass\n' }]);
    assert.deepEqual(await tracker.callSites(URI), { version: 6, callSites: [] });
    assert.equal(parser.alive.size, 1);
    tracker.close('file:///b.py');
    assert.equal(parser.alive.size, 0);
    assert.equal(await tracker.callSites('file:///b.py'), undefined);
    tracker.dispose();
    assert.equal(await tracker.callSites(URI), undefined);
  });

  it('answers for the newest version when the document changes or closes while the parser loads', async () => {
    const parser = await pythonParser();
    let loaded: (parser: SyntaxParser) => void = () => undefined;
    const tracker = new CallSiteTracker([{ detector: pythonDetector, loadParser: () => new Promise<SyntaxParser>((resolve) => { loaded = resolve; }) }]);
    tracker.open(URI, 'python', 1, TEXT);
    tracker.open('file:///closed.py', 'python', 1, TEXT);
    const answers = [tracker.callSites(URI), tracker.callSites('file:///closed.py')];
    tracker.change(URI, 2, TEXT.replace('"a"', '"b"'), []);
    tracker.close('file:///closed.py');
    loaded(parser);
    const [changed, closed] = await Promise.all(answers);
    assert.equal(changed?.version, 2);
    assert.deepEqual(changed.callSites.map(({ key, via }) => [via, key.kind === 'dynamic' ? key.cause : key.value]), [['constant', 'b']]);
    assert.equal(closed, undefined);
    tracker.dispose();
  });

  it('ignores documents of other languages', async () => {
    const { tracker } = await tracked();
    tracker.open('file:///a.ts', 'typescript', 1, 'unleash.is_enabled("a")');
    assert.equal(tracker.supports('typescript'), false);
    assert.equal(tracker.supports('python'), true);
    assert.equal(await tracker.callSites('file:///a.ts'), undefined);
    tracker.change('file:///a.ts', 2, '', []);
  });
});
