import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CallSiteTracker, type ContentChange } from '../../../src/adapters/treeSitter/tracker.ts';
import { Detection, detectOnce } from '../../../src/core/callsites/detector.ts';
import { pythonDetector } from '../../../src/core/callsites/python/detector.ts';
import { callSitesOf, fixture, pythonParser } from './parser.ts';

/** One edit as drawn: where it is as a share of the text, how much it removes, what it puts there. */
interface Stroke {
  readonly at: number;
  readonly removed: number;
  readonly inserted: string;
  /** Whether the edit takes whole lines, which mostly leaves a text that parses. */
  readonly lines: boolean;
}

const START = `from UnleashClient import UnleashClient

KEY = "fraud-v2"
OTHER = KEY + "-b"

class Base:
    FLAG = "base"

class Service(Base):
    NAME = "service"

    def __init__(self, client: UnleashClient, key):
        self.client = client
        self.key = key

    def run(self, user):
        local = "local"
        if self.client.is_enabled(self.FLAG, {"userId": user}):
            return f"{KEY} on"
        for name in ["a", "b"]:
            self.client.get_variant(
                local,
                context={"a": name},
            )
        return self.client.is_enabled(self.NAME)

def helper(flags, OTHER2):
    """flags.is_enabled("doc")"""
    try:
        return flags.is_enabled(feature_name=KEY)
    except ValueError:
        flags.get_variant(f"{OTHER}-x")
    return flags.is_enabled(OTHER)
`;

const FRAGMENTS = [
  '"', "'", '"""', '(', ')', '\n', '\r\n', '    ', ' ', '#', ':', ',', '.', '=', '\\', '{', '}', '[', ']', 'f"', 'x', 'é', '😀', '\t',
  'KEY = "b"\n', 'client.is_enabled("z")', 'is_enabled', 'get_variant', 'KEY', 'FLAG', 'self.', 'client', 'if x:\n', 'def f():\n', 'class B:\n', 'else:\n', 'async ', 'global KEY',
];

const LINES = [
  '', '# a comment\n', 'KEY = "again"\n', 'FLAG = "module"\n', '    FLAG = "method"\n', '        KEY = "deep"\n', '        global KEY\n', '    def other(self, KEY):\n', 'def other(KEY):\n', 'class Base:\n',
  'class Other(Service):\n', 'if KEY:\n', '        self.client.is_enabled(KEY)\n', '    flags.is_enabled(KEY)\n', '        self.NAME = "x"\n', '        self.FLAG = "y"\n', 'from keys import *\n', 'from keys import KEY\n',
  '"""\n', '    return lambda KEY: flags.is_enabled(KEY)\n', '        local += "x"\n', '    flags = None\n', 'flags = logging.Logger("x")\n', '    pass\n', '        pass\n',
];

const stroke: fc.Arbitrary<Stroke> = fc.oneof(
  fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), removed: fc.oneof(fc.constant(0), fc.nat(30)), inserted: fc.constantFrom('', ...FRAGMENTS), lines: fc.constant(false) }),
  fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), removed: fc.nat(2), inserted: fc.constantFrom(...LINES), lines: fc.constant(true) }),
);

/** Events of one or several strokes each, as many cursors make them. */
const session = fc.array(fc.array(stroke, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 12 });

function changeOf(text: string, { at, removed, inserted, lines }: Stroke): ContentChange {
  const offset = Math.floor(at * text.length);
  if (!lines) return { rangeOffset: offset, rangeLength: Math.min(removed, text.length - offset), text: inserted };
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  let end = start;
  for (let count = 0; count < removed; count += 1) {
    const next = text.indexOf('\n', end);
    end = next === -1 ? text.length : next + 1;
  }
  return { rangeOffset: start, rangeLength: end - start, text: inserted };
}

/** The changes of one event: those that overlap an earlier one are left out, as an editor has none. */
function eventOf(text: string, strokes: readonly Stroke[]): readonly ContentChange[] {
  const changes: ContentChange[] = [];
  for (const change of strokes.map((one) => changeOf(text, one))) {
    const apart = changes.every((other) => change.rangeOffset + change.rangeLength < other.rangeOffset || other.rangeOffset + other.rangeLength < change.rangeOffset);
    if (apart) changes.push(change);
  }
  return changes;
}

function applied(text: string, changes: readonly ContentChange[]): string {
  return [...changes].sort((a, b) => b.rangeOffset - a.rangeOffset)
    .reduce((result, { rangeOffset, rangeLength, text: inserted }) => result.slice(0, rangeOffset) + inserted + result.slice(rangeOffset + rangeLength), text);
}

const starts = fc.constantFrom(START, START.replaceAll('\n', '\r\n'), fixture('classes.py'), fixture('constants.py'));

describe('call sites after edits', () => {
  it('are those of a fresh parse, whatever the edits', async function () {
    this.timeout(120_000);
    await fc.assert(fc.asyncProperty(starts, session, fc.integer({ min: 1, max: 3 }), async (start, events, askEvery) => {
      const tracker = new CallSiteTracker([{ detector: pythonDetector, loadParser: pythonParser }]);
      let text = start;
      tracker.open('file:///a.py', 'python', 0, text);
      await tracker.callSites('file:///a.py');
      for (const [index, strokes] of events.entries()) {
        const changes = eventOf(text, strokes);
        text = applied(text, changes);
        tracker.change('file:///a.py', index + 1, text, changes);
        if (index % askEvery !== 0) continue;
        const found = await tracker.callSites('file:///a.py');
        assert.equal(found?.version, index + 1);
        assert.deepEqual(found.callSites, await callSitesOf(text), text);
      }
      tracker.dispose();
    }), { seed: 20261122, numRuns: 400 });
  });

  it('are those that the incremental tree holds, also while the text is broken', async function () {
    this.timeout(120_000);
    const parser = await pythonParser();
    fc.assert(fc.property(starts, session, (start, events) => {
      let text = start;
      let tree = parser.parse(text);
      const detection = new Detection(pythonDetector);
      detection.read({ text, root: tree.root });
      for (const strokes of events) {
        const changes = eventOf(text, strokes);
        const edits = [...changes].sort((a, b) => b.rangeOffset - a.rangeOffset)
          .map(({ rangeOffset, rangeLength, text: inserted }) => ({ start: rangeOffset, oldEnd: rangeOffset + rangeLength, newEnd: rangeOffset + inserted.length, inserted }));
        const next = applied(text, changes);
        tree = parser.reparse(tree, text, edits, next);
        text = next;
        const source = { text, root: tree.root };
        assert.deepEqual(detection.read(source).callSites, detectOnce(pythonDetector, source), text);
      }
      tree.delete();
    }), { seed: 4242, numRuns: 400 });
  });
});
