import assert from 'node:assert/strict';
import { SHADOW_CLASS } from '../../../src/core/refactor/wrap/shadowHelper.ts';
import { withShadow } from '../../support/refactor/shadows.ts';

const HEAD = 'from UnleashClient import UnleashClient\nimport json\n\nclient = UnleashClient(url="u", app_name="a")\n';
const IF = 'def f(x, request_id):\n    if client.is_enabled("new-model", {"userId": x}):\n        y = candidate.predict(x)\n    else:\n        y = model.predict(x)\n    return y\n';
const CALL = 'shadow_calls.submit(client, "new-model", {"userId": x}, request_id, lambda x=x: candidate.predict(x))';

describe('a shadow call', () => {
  it('stands where the current version serves, and its class behind the imports', async () => {
    const after = await withShadow(HEAD + IF);
    assert.ok(after.includes(`    else:\n        ${CALL}\n        y = model.predict(x)\n`), after);
    const [before = '', rest = ''] = after.split('client = UnleashClient(');
    assert.ok(before.includes(SHADOW_CLASS) && before.includes('shadow_calls = ShadowCalls("logs/predictions-shadow.jsonl")\n'), before);
    assert.equal(before.split('import json').length, 2);
    assert.ok(rest.length > 0);
  });

  it('is written once for each switch, the class once for each file', async () => {
    assert.equal(await withShadow(`${HEAD}class ShadowCalls: pass\nshadow_calls = ShadowCalls()\n${IF.replace('        y = model', `        ${CALL}\n        y = model`)}`), 'refused: it has its shadow call');
    const second = await withShadow(`${HEAD}shadow_calls = ShadowCalls()\n${IF}`);
    assert.ok(second.includes(CALL) && !second.includes('class'), second);
  });

  it('is written for other shapes of switches', async () => {
    assert.ok((await withShadow(HEAD + IF.replace('if client.is_enabled("new-model", {"userId": x}):', 'if not client.is_enabled("new-model"):').replace('candidate.predict(x)', '0').replace('model.predict(x)', 'candidate.predict(x)'))).includes(':\n        shadow_calls.submit(client, "new-model", {}, request_id, lambda x=x: candidate.predict(x))\n        y = 0\n'));
    const early = await withShadow(`${HEAD}def f(self, row):\n  if self.client.is_enabled(FLAG, context=ctx):\n    return self.candidate.predict(row.a, k=2)\n  # else\n  return self.model.predict(row.a)\n`);
    assert.ok(early.includes('  # else\n  shadow_calls.submit(self.client, FLAG, ctx, request_id, lambda row=row: self.candidate.predict(row.a, k=2))\n  return'), early);
  });

  it('keeps the ends of lines', async () => {
    const after = await withShadow((HEAD + IF).replaceAll('\n', '\r\n'));
    assert.equal(after.replaceAll('\r\n', '').includes('\n'), false);
  });

  for (const [why, text] of Object.entries({
    'the condition asks for more than the flag': IF.replace('}):', '}) and x:'),
    'it has more than two branches': IF.replace('    else:', '    elif x:\n        y = 0\n    else:'),
    'it has no branch in which the current version answers': IF.replace('    else:\n        y = model.predict(x)\n', ''),
    'no model is called in the branch of the candidate': IF.replace('candidate.predict(x)', '2'),
    'the candidate\'s arguments call something, which would be done twice: assign them to variables first': IF.replace('candidate.predict(x)', 'candidate.predict(next(x))'),
    '`m` is set in the branch of the candidate, and is another in the other: name the candidate itself in the call': IF.replace('y = candidate.predict(x)', 'm = candidate\n        y = m.predict(x)'),
    'the candidate\'s answer is awaited: a thread cannot ask for it': IF.replace('def f', 'async def f').replace('candidate.predict', 'await candidate.predict'),
    'the flag is not asked in the condition of an if statement': 'def f(x):\n    return candidate.predict(x) if client.is_enabled("a") else model.predict(x)\n',
  })) it(`is refused: ${why}`, async () => assert.equal(await withShadow(HEAD + text), `refused: ${why}`));

  it('is offered only where a flag is asked', async () => assert.equal(await withShadow('x = 1\n'), 'nothing'));
});
