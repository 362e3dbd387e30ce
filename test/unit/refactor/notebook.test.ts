import assert from 'node:assert/strict';
import { notebookText } from '../../../src/core/callsites/notebookText.ts';
import { offsetAt } from '../../../src/core/refactor/edits.ts';
import { editorLineStarts } from '../../../src/core/callsites/lines.ts';
import { finishInNotebooks, type NotebookFinish } from '../../../src/core/refactor/finishInNotebooks.ts';
import { NotebookCode } from '../../../src/core/refactor/notebook.ts';
import type { FinishRequest } from '../../../src/core/refactor/model.ts';
import { execute, FLAG, sitesOf } from '../../support/refactor/programs.ts';
import { pythonParser } from '../callsites/parser.ts';

const CLIENT = 'from UnleashClient import UnleashClient\nclient = UnleashClient(url="u", app_name="a")';

type Cells = readonly (string | undefined)[];
interface Finished extends NotebookFinish {
  readonly after: Cells;
}

/** Finishes in a notebook `n.ipynb`, with call sites as the index finds them in its text, beside modules. */
async function finish(cells: Cells, modules: Readonly<Record<string, string>> = {}, request: Partial<FinishRequest> = {}): Promise<Finished> {
  const parser = await pythonParser();
  const code = new NotebookCode(cells);
  const others = Object.entries(modules).map(([path, text]) => ({ path, text }));
  const sites = await sitesOf({ files: [...others, { path: 'n.ipynb', text: notebookText(cells).text }] });
  const inText = sites.map((site) => (site.file === 'n.ipynb' ? { ...site, range: code.rangeOf(site.range), wrappers: site.wrappers?.map((each) => (each.file === 'n.ipynb' ? { ...each, definition: code.rangeOf(each.definition), inner: code.rangeOf(each.inner) } : each)) } : site));
  const result = finishInNotebooks([...others, { path: 'n.ipynb', text: code.text }], new Map([['n.ipynb', code]]), { flag: FLAG, keep: 'candidate', ...request }, inText.map(({ wrappers, ...site }) => ({ ...site, ...wrappers ? { wrappers } : {} })), (text) => parser.parse(text));
  const after = cells.map((cell, index) => {
    const edits = result.cells.get('n.ipynb')?.find((each) => each.cell === index)?.edits ?? [];
    return cell === undefined ? undefined : edits.toReversed().reduce((text, { range, text: inserted }) => {
      const lines = editorLineStarts(text);
      return text.slice(0, offsetAt(lines, range.start)) + inserted + text.slice(offsetAt(lines, range.end));
    }, cell);
  });
  return { ...result, after };
}

const told = ({ left }: NotebookFinish, code: Cells): readonly string[] => left.map(({ kind, file, range, reason }) => {
  const place = new NotebookCode(code).placeOf(range.start.line);
  return `${kind} ${file}[${place.cell + 1}]:${place.line + 1} ${reason}`;
});

describe('finish release in notebooks', () => {
  it('simplifies cells and takes out what is unused, cell by cell', async () => {
    const { after, removed } = await finish([
      undefined,
      `import math\n${CLIENT}\nKEY = "new-model"`,
      '# the model\nuse_new = client.is_enabled(KEY)\nlimit = 3',
      'if use_new:\n    print("candidate", limit)\nelse:\n    print(math.pi)',
      'print("end")\n',
      'client.is_enabled("new-model")',
    ]);
    assert.deepEqual(after, [undefined, '', '# the model\nlimit = 3', 'print("candidate", limit)', 'print("end")\n', '']);
    assert.equal(removed, 2);
  });

  it('goes through wrappers of modules, and keeps what a notebook still uses', async () => {
    const modules = { 'flags.py': `${CLIENT}\n\n\ndef on(key):\n    return client.is_enabled(key)\n`, 'keys.py': 'NEW = "new-model"\nOTHER = "other"\n' };
    const used = await finish(['from flags import on\nfrom keys import NEW, OTHER', 'print(1 if on(NEW) else 2)', 'print(on(OTHER))'], modules);
    assert.deepEqual(used.after, ['from flags import on\nfrom keys import OTHER', 'print(1)', 'print(on(OTHER))']);
    assert.deepEqual(used.files.map(({ file, text }) => [file, text]).slice(0, 1), [['keys.py', 'OTHER = "other"\n']]);
    const kept = await finish(['from keys import NEW', 'print(NEW)'], { ...modules, 'a.py': 'from flags import on\nfrom keys import NEW\n\nprint(on(NEW))\n' });
    assert.deepEqual(kept.files.map(({ file }) => file).toSorted(), ['a.py', 'flags.py']);
  });

  it('leaves lines that are no Python where they are', async () => {
    const { after } = await finish([`%matplotlib inline\n!pip install UnleashClient\n${CLIENT}`, '%%time\nif client.is_enabled("new-model"):\n    !ls\n    print(1)', '%%bash\necho client', 'x = 1\nx?']);
    assert.deepEqual(after, [`%matplotlib inline\n!pip install UnleashClient\n${CLIENT}`, '%%time\nif client.is_enabled("new-model"):\n    !ls\n    print(1)', '%%bash\necho client', 'x = 1\nx?']);
    const beside = await finish([`%matplotlib inline\n!pip install UnleashClient\n${CLIENT}`, '%%time\nif client.is_enabled("new-model"):\n    print(1)', '%%bash\necho client']);
    assert.deepEqual(beside.after, ['%matplotlib inline\n!pip install UnleashClient', '%%time\nprint(1)', '%%bash\necho client']);
  });

  it('tells the calls that it leaves by their cells', async () => {
    const cells = [CLIENT, 'print(1)\n%time print(client.is_enabled("new-model"))', 'print(2)\n%prun f(KEY)\nKEY = "new-model"', 'client.is_enabled(KEY)'];
    const result = await finish(cells);
    assert.deepEqual(result.after, cells);
    assert.deepEqual(told(result, cells), ['call n.ipynb[2]:2 in its notebook it meets lines that are no Python', 'call n.ipynb[4]:1 in its notebook it meets lines that are no Python']);
    const broken = ['def f(:', `${CLIENT}\nclient.is_enabled("new-model")`];
    assert.deepEqual(told(await finish(broken), broken), ['call n.ipynb[2]:3 the file has syntax errors']);
  });

  it('knows whether a notebook is still the one that was read', () => {
    const code = new NotebookCode([undefined, 'a = 1\r\nb = 2', '!ls']);
    assert.ok(code.isOf([undefined, 'a = 1\nb = 2', '!ls']));
    assert.ok(!code.isOf([undefined, 'a = 1\nb = 2', '!pwd']));
    assert.ok(!code.isOf(['a = 1\nb = 2', undefined, '!ls']));
    assert.ok(!code.isOf([undefined, 'a = 1\nb = 2']));
  });

  it('leaves notebooks behaving as they did', async () => {
    const cells = [`import math\n${CLIENT}\nKEY = "new-model"\n\ndef on(key, user=None):\n    return client.is_enabled(key, {"userId": user})`, 'new = on(KEY, "7")\nprint("other", on("other"))', 'def predict(x):\n    if new and x > 1:\n        return math.floor(x)\n    return -x', 'for x in (0, 2.5):\n    print(predict(x), on(KEY) or x)', 'print("same" if not new else "different")'];
    const program = (code: Cells, forbidden: boolean, on: boolean): Parameters<typeof execute>[0][number] => ({ files: [{ path: 'main.py', text: `${code.join('\n')}\n` }], on, forbidden });
    for (const keep of ['candidate', 'current'] as const) {
      const { after, removed } = await finish(cells, {}, { keep });
      const [before, finished] = execute([program(cells, false, keep === 'candidate'), program(after, true, keep === 'candidate')]);
      assert.equal(removed, 2);
      assert.deepEqual([finished, before!.end], [before, 'ok']);
    }
  });
});
