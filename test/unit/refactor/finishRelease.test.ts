import assert from 'node:assert/strict';
import { finishRelease } from '../../../src/core/refactor/finishRelease.ts';
import type { FinishRequest, FinishResult, FlagSite } from '../../../src/core/refactor/model.ts';
import { FLAG, sitesOf } from '../../support/refactor/programs.ts';
import { pythonParser } from '../callsites/parser.ts';

const HEAD = 'from UnleashClient import UnleashClient\n\nclient = UnleashClient(url="u", app_name="a")\n';

async function finish(texts: Readonly<Record<string, string>>, request: Partial<FinishRequest> = {}, more: (sites: readonly FlagSite[]) => readonly FlagSite[] = (sites) => sites): Promise<FinishResult> {
  const parser = await pythonParser();
  const files = Object.entries(texts).map(([path, text]) => ({ path, text }));
  const sites = await sitesOf({ files });
  return finishRelease(files, { flag: FLAG, keep: 'candidate', ...request }, more(sites), (text) => parser.parse(text));
}

function told({ left }: FinishResult): readonly string[] {
  return left.map(({ kind, file, range, reason }) => `${kind} ${file}:${range.start.line + 1} ${reason}`);
}

describe('finish release', () => {
  it('leaves a file with syntax errors untouched, and does the others', async () => {
    const result = await finish({ 'a.py': `${HEAD}if client.is_enabled("new-model"):\n    x = (1,\nprint(x\n`, 'b.py': `${HEAD}if client.is_enabled("new-model"):\n    print(1)\n` });
    assert.deepEqual(result.files.map(({ file, text }) => [file, text]), [['b.py', 'print(1)\n']]);
    assert.deepEqual(told(result), ['call a.py:4 the file has syntax errors']);
    assert.equal(result.removed, 1);
  });

  it('takes nothing out of a file with syntax errors that only holds what became unused', async () => {
    const result = await finish({ 'keys.py': 'NEW = "new-model"\nOTHER = (\n', 'a.py': `from keys import NEW\n${HEAD}print(client.is_enabled(NEW))\n` }, {}, (sites) => sites.map((site) => ({ ...site, keys: [FLAG] })));
    assert.deepEqual(result.files.map(({ file, text }) => [file, text]), [['a.py', 'print(True)\n']]);
  });

  it('leaves a file that uses the names it works with', async () => {
    const result = await finish({ 'a.py': `${HEAD}__modelswitch_on_1__ = client.is_enabled("new-model")\n` });
    assert.deepEqual(result.files, []);
    assert.match(told(result).join(), /reserved name/);
  });

  it('leaves a call of get_variant when nobody says which variant stays', async () => {
    const text = `${HEAD}print(client.get_variant("new-model")["name"] == "v2")\n`;
    assert.deepEqual(told(await finish({ 'a.py': text })), ['call a.py:4 it asks for a variant, and which one stays is not said']);
    assert.equal((await finish({ 'a.py': text }, { variant: 'v3' })).files[0]!.text, 'print(False)\n');
    assert.equal((await finish({ 'a.py': text }, { keep: 'current' })).files[0]!.text, 'print(False)\n');
  });

  it('leaves a call that may ask for one of several flags, and one that is not where it was said to be', async () => {
    const text = `${HEAD}print(client.is_enabled("new-model"))\n`;
    const several = await finish({ 'a.py': text }, {}, (sites) => sites.map((site) => ({ ...site, keys: ['new-model', 'other'] })));
    assert.deepEqual([several.files, told(several)], [[], ['call a.py:4 it asks for one of several flags']]);
    const moved = await finish({ 'a.py': text }, {}, (sites) => sites.map((site) => ({ ...site, range: { start: site.range.start, end: { line: 3, character: 9 } } })));
    assert.deepEqual([moved.files, told(moved)], [[], ['call a.py:4 the text is not what the call sites were found in']]);
    const gone = await finish({ 'a.py': text }, {}, (sites) => sites.map((site) => ({ ...site, file: 'b.py' })));
    assert.deepEqual([gone.files, told(gone)], [[], ['call b.py:4 its file could not be read']]);
  });

  it('tells the value that stands where an answer was passed on', async () => {
    const result = await finish({ 'a.py': `${HEAD}\ndef f(log):\n    log(client.is_enabled("new-model"))\n    return client.is_enabled("new-model")\n` });
    assert.equal(result.files[0]!.text, 'def f(log):\n    log(True)\n    return True\n');
    assert.deepEqual(told(result), ['value a.py:6 `True` is passed on in its place', 'value a.py:7 `True` is returned in its place']);
  });

  it('tells of an import that `try` guards, and keeps it', async () => {
    const text = `try:\n    import fast\nexcept ImportError:\n    fast = None\n${HEAD}if not client.is_enabled("new-model"):\n    print(fast)\n`;
    const result = await finish({ 'a.py': text });
    assert.equal(result.files[0]!.text, text.slice(0, text.indexOf('from Unleash')));
    assert.match(told(result).join(), /^unused a\.py:\d+ `fast` is no longer used; its import is guarded by `try`/);
  });

  it('keeps a constant that another file patches by its name', async () => {
    const result = await finish({ 'app/keys.py': 'NEW = "new-model"\n', 'app/a.py': `${HEAD}NEW = "new-model"\nprint(client.is_enabled(NEW))\n`, 'tests/test_a.py': 'patch("app.a.NEW", "x")\n' });
    assert.deepEqual(result.files.map(({ file, text }) => [file, text]), [['app/a.py', 'NEW = "new-model"\nprint(True)\n']]);
  });
});
