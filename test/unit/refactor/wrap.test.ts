import assert from 'node:assert/strict';
import { callAt } from '../../../src/core/refactor/wrap/wrapInSwitch.ts';
import { FLAG } from '../../support/refactor/programs.ts';
import { applied, readWrapCases, wrap } from '../../support/refactor/wraps.ts';
import { pythonParser } from '../callsites/parser.ts';

const HEAD = 'from UnleashClient import UnleashClient\nclient = UnleashClient(url="u", app_name="a")\n';

describe('wrap in a model switch', () => {
  for (const { name, text, selection, expected } of readWrapCases()) {
    it(name, async () => assert.equal(applied(text, await wrap(text, selection, name === 'placeholders' ? undefined : FLAG)), expected));
  }

  it('keeps carriage returns', async () => {
    const text = `${HEAD}candidate = model = None\ndef f(x):\n  y = model.predict(x)\n`.replaceAll('\n', '\r\n');
    const at = text.indexOf('predict');
    const after = applied(text, await wrap(text, { start: at, end: at }, FLAG));
    assert.equal(after.slice(text.indexOf('  y')), '  if client.is_enabled("new-model", {}):\r\n    y = candidate.predict(x)\r\n  else:\r\n    y = model.predict(x)\r\n');
  });

  it('leaves to the person what it cannot know: key, context and candidate', async () => {
    const text = `${HEAD}def f(model, x):\n    return model.predict(x)\n`;
    const at = text.indexOf('predict');
    const result = await wrap(text, { start: at, end: at }, FLAG);
    assert.ok(result.kind === 'wrapped');
    assert.deepEqual(result.parts.filter((part) => typeof part !== 'string'), [{ placeholder: '' }, { placeholder: 'candidate' }]);
  });

  it('is about calls of models when nothing is selected, and about any call that is', async () => {
    const text = 'x = round(model.predict(len(a)), 2)\n';
    const tree = (await pythonParser()).parse(text);
    const found = (start: number, end = start): string | undefined => {
      const node = callAt({ text, root: tree.root }, { start, end });
      return node && text.slice(node.startIndex, node.endIndex);
    };
    assert.equal(found(text.indexOf('predict')), 'model.predict(len(a))');
    assert.equal(found(text.indexOf('round')), undefined);
    assert.equal(found(text.indexOf('round'), text.length - 1), 'round(model.predict(len(a)), 2)');
    assert.equal(found(0), undefined);
    tree.delete();
  });

  it('refuses what has syntax errors', async () => {
    const text = `${HEAD}y = model.predict(x, = 3)\n`;
    const at = text.indexOf('predict');
    const result = await wrap(text, { start: at, end: at }, FLAG);
    assert.ok(result.kind === 'refused');
  });
});
