import assert from 'node:assert/strict';
import { finishRelease } from '../../../src/core/refactor/finishRelease.ts';
import { SHADOW_CLASS, SHADOW_SIGNATURE } from '../../../src/core/refactor/wrap/shadowHelper.ts';
import { sitesOf } from '../../support/refactor/programs.ts';
import { placeholdersOf, withShadow } from '../../support/refactor/shadows.ts';
import { pythonParser } from '../callsites/parser.ts';

const HEAD = 'from UnleashClient import UnleashClient\nimport json\n\nclient = UnleashClient(url="u", app_name="a")\n';
const IF = 'def f(x, request_id):\n    if client.is_enabled("new-model", {"userId": x}):\n        y = candidate.predict(x)\n    else:\n        y = model.predict(x)\n    return y\n';
const CALL = 'shadow_calls.submit("new-model", lambda: (client, {"userId": x}, request_id, lambda x=x: candidate.predict(x)))';
const HELPER = `${SHADOW_CLASS}\n\nshadow_calls = ShadowCalls("logs/predictions-shadow.jsonl")\n`;

/** The statement that is written, from the line on which it starts. */
async function written(text: string): Promise<string> {
  const after = await withShadow(text);
  return after.includes('shadow_calls.submit(') ? after.slice(after.indexOf('shadow_calls.submit(')) : after;
}

describe('a shadow call', () => {
  it('stands where the current version serves, and its class behind the imports', async () => {
    const after = await withShadow(HEAD + IF);
    assert.ok(after.includes(`    else:\n        ${CALL}\n        y = model.predict(x)\n`), after);
    const [before = '', rest = ''] = after.split('client = UnleashClient(');
    assert.equal(before, `from UnleashClient import UnleashClient\nimport json\n\n\n${HELPER}\n`);
    assert.ok(rest.length > 0);
  });

  it('adds no name to the file but those of its class', () => {
    const names = SHADOW_CLASS.split('\n').filter((line) => /^\S/.test(line));
    assert.deepEqual(names, ['class ShadowCalls:']);
    assert.ok(SHADOW_CLASS.includes(SHADOW_SIGNATURE));
  });

  it('is written once for each switch, the class once for each file', async () => {
    const once = await withShadow(HEAD + IF);
    assert.equal(await withShadow(once.slice(once.indexOf('class ShadowCalls')).replace('client.is_enabled(flag', 'client.ask(flag')), 'refused: it has its shadow call');
    const second = await withShadow(`from app.shadow import shadow_calls\n${HEAD}${IF}`);
    assert.ok(second.includes(CALL) && !second.includes('class'), second);
    const two = await withShadow(`${HELPER}\n${IF}`.replace('client.is_enabled(flag', 'client.ask(flag'));
    assert.ok(two.includes(CALL) && two.split('class ShadowCalls').length === 2, two);
  });

  it('is written for other shapes of switches', async () => {
    const negated = IF.replace('if client.is_enabled("new-model", {"userId": x}):', 'if not client.is_enabled("new-model"):').replace('candidate.predict(x)', '0').replace('model.predict(x)', 'candidate.predict(x)');
    assert.ok((await withShadow(HEAD + negated)).includes(':\n        shadow_calls.submit("new-model", lambda: (client, {}, request_id, lambda x=x: candidate.predict(x)))\n        y = 0\n'));
    const brackets = IF.replace('if client.is_enabled("new-model", {"userId": x}):', 'if (\n        (client.is_enabled("new-model", {"userId": x}))  # asked\n    ):');
    assert.ok((await withShadow(HEAD + brackets)).includes(`    else:\n        ${CALL}\n`));
    for (const question of ['(not client.is_enabled("new-model"))', 'not (client.is_enabled("new-model"))']) assert.ok((await withShadow(HEAD + negated.replace('not client.is_enabled("new-model")', question))).includes(':\n        shadow_calls.submit("new-model", lambda: (client, {}, request_id, lambda x=x: candidate.predict(x)))\n        y = 0\n'), question);
    const early = await withShadow(`${HEAD}def f(self, row):\n  if self.client.is_enabled(FLAG, context=ctx):\n    return self.candidate.predict(row.a, k=2)\n  # else\n  return self.model.predict(row.a)\n`);
    assert.ok(early.includes('  # else\n  shadow_calls.submit(FLAG, lambda: (self.client, ctx, request_id, lambda row=row, *, self=self: self.candidate.predict(row.a, k=2)))\n  return'), early);
    const getter = await written(`def f(x):\n    if flags.get_client().is_enabled(feature_name="a", context={}):\n        return candidate.predict(x)\n    return 0\n`);
    assert.ok(getter.startsWith('shadow_calls.submit("a", lambda: (flags.get_client(), {}, request_id, lambda x=x: candidate.predict(x)))\n'), getter);
  });

  it('takes the whole expression, and its lines as they are', async () => {
    assert.ok((await written(HEAD + IF.replace('candidate.predict(x)', 'float(candidate.infer(x)["score"])'))).includes('lambda x=x: float(candidate.infer(x)["score"])))'));
    const lines = 'candidate.predict(\n            x,  # the features\n            """a\n  b""",\n        )[0, 1]';
    assert.ok((await written(HEAD + IF.replace('candidate.predict(x)', lines))).includes(`lambda x=x: ${lines}))\n        y = model`));
  });

  it('keeps variables as they are then, and none that only the expression has', async () => {
    const of = async (expression: string, text = IF): Promise<string | undefined> => /request_id, (lambda[^:]*): /.exec(await written(HEAD + text.replace('candidate.predict(x)', expression)))?.[1];
    assert.equal(await of('candidate.predict([row[c] for c in x for row in c])'), 'lambda x=x');
    assert.equal(await of('candidate.predict([x for x in x])'), 'lambda x=x');
    assert.equal(await of('candidate.predict([x for x in request_id])'), 'lambda request_id=request_id');
    assert.equal(await of('candidate.predict(json.x, f"{x}")'), 'lambda x=x');
    assert.equal(await of('candidate.predict(k=x, x=1)'), 'lambda x=x');
    assert.equal(await of('m.predict(x)', IF.replace('    if', '    m = models[0]\n    if')), 'lambda x=x, *, m=m');
    assert.equal(await of('candidate.predict(LIMIT, x)', `LIMIT = 1\n${IF}`), 'lambda x=x');
    assert.equal(await of('candidate.predict(LIMIT, x)', `LIMIT = 1\nLIMIT = 2\n${IF}`), 'lambda LIMIT=LIMIT, x=x');
    assert.equal(await of('candidate.predict(SEEN, x)', `SEEN = []\nSEEN[0:] = [1]\n${IF}`), 'lambda SEEN=SEEN, x=x');
  });

  it('takes an answer that goes on as it is, or by a name that both branches have', async () => {
    const raw = async (below: string, off = 'y = model.predict(x)'): Promise<string> => written(HEAD + IF.replace('y = candidate.predict(x)', `raw = candidate.predict(x)\n        ${below}`).replace('y = model.predict(x)', off));
    for (const below of ['y = raw', 'y = (raw)', 'return {"score": raw, "by": [raw, "candidate"]}', 'audit(raw)\n        y = raw', 'log.info("%s", raw)\n        y = raw', 'if raw > 0.5:\n            audit(x)\n        y = raw', 'y: float = raw']) assert.ok((await raw(below)).includes(CALL), below);
    assert.ok((await raw('y = calibrated(raw)', 'raw = model.predict(x)\n        y = calibrated(raw)')).includes(CALL));
  });

  it('keeps what a pattern of `match` binds', async () => {
    const of = async (pattern: string, given: string): Promise<string> => written(`${HEAD}def f(x, request_id):\n    match x:\n        case ${pattern}:\n${IF.split('\n').slice(1, 5).map((line) => `        ${line}`).join('\n').replaceAll('predict(x)', `predict(${given})`)}\n    return y\n`);
    for (const [pattern, name] of [['{"a": a, **rest}', 'rest'], ['{"a": a, **rest}', 'a'], ['[first, *others]', 'others'], ['{"a": {**inner}}', 'inner'], ['Point(x=px)', 'px'], ['int() | dict() as either', 'either']] as const) assert.ok((await of(pattern, name)).includes(`lambda ${name}=${name}: candidate.predict(${name})`), await of(pattern, name));
  });

  it('takes request_id where the branch that serves has it, and leaves a place to fill in where it does not', async () => {
    const none = IF.replace(', request_id', '');
    const outer = `def g(request_id):\n${none.replaceAll(/^/gm, '    ')}`;
    for (const text of [IF, `request_id = 1\n${none}`, none.replace('    if', '    request_id = x\n    if'), outer, IF.replace('y = candidate', 'request_id = 1\n        y = candidate')]) assert.deepEqual(await placeholdersOf(HEAD + text), [], text);
    for (const text of [
      none, none.replace('    return', '    request_id = x\n    return'), none.replace('y = candidate', 'request_id = 1\n        y = candidate'), none.replace('y = model', 'request_id = 1\n        y = model').replace('else:', 'else:\n        pass'),
      `request_id = 1\n${none.replace('    return', '    request_id = x\n    return')}`, `request_id = 1\n${none.replace('y = candidate', 'request_id = 1\n        y = candidate')}`,
    ]) assert.deepEqual(await placeholdersOf(HEAD + text), ['request_id'], text);
  });

  it('does not keep Finish Release from anything', async () => {
    const files = [{ path: 'main.py', text: await withShadow(HEAD + IF) }];
    const parser = await pythonParser();
    const { left, files: [changed] } = finishRelease(files, { flag: 'new-model', keep: 'candidate' }, await sitesOf({ files }), (text) => parser.parse(text));
    assert.deepEqual(left, []);
    assert.ok(changed?.text.includes('request_id):\n    y = candidate.predict(x)\n    return y\n'), changed?.text);
  });

  it('keeps the ends of lines', async () => {
    const after = await withShadow((HEAD + IF).replaceAll('\n', '\r\n'));
    assert.equal(after.replaceAll('\r\n', '').includes('\n'), false);
  });

  it('leaves on top of the file what must be there', async () => {
    const of = async (head: string): Promise<string> => (await withShadow(head + IF)).split('class ShadowCalls')[0] ?? '';
    assert.equal(await of(''), '');
    assert.equal(await of('#!/usr/bin/env python\n'), '#!/usr/bin/env python\n');
    assert.equal(await of('# a\n# -*- coding: latin-1 -*-\n# b\n'), '# a\n# -*- coding: latin-1 -*-\n');
    assert.equal(await of('"""Doc."""\nfrom __future__ import annotations\n'), '"""Doc."""\nfrom __future__ import annotations\n\n\n');
    assert.equal(await of('"""Doc."""\n'), '"""Doc."""\n\n\n');
    assert.equal(await of('import a\n\nif TYPE_CHECKING:\n    import b\n\nLIMIT = 1\n'), 'import a\n\nif TYPE_CHECKING:\n    import b\n\n\n');
    assert.equal((await withShadow(`${IF}\nimport late\n`)).startsWith('class ShadowCalls'), true);
  });

  const on = (statements: string): string => IF.replace('y = candidate.predict(x)', statements.replaceAll('\n', '\n        '));
  const asked = (question: string): string => IF.replace('client.is_enabled("new-model", {"userId": x})', question);
  const set = (name: string): string => `\`${name}\` is set in the branch of the candidate, and is another in the other: name the candidate itself in the call, and set variables in front of the switch`;
  const doing = (line: number): string => `line ${line} does something before the candidate is asked, which a shadow call would leave out: move it in front of the switch, or behind the call`;
  const within = (what: string): string => `the candidate is called within ${what} of its branch, which a shadow call would leave out`;
  const calls = (name: string): string => `\`${name}\` is called with the answer of the candidate, and would be in shadow, too: assign the answer to a variable first`;
  const another = (line: number): string => `another answer is made of \`y\` in line ${line}: do that within the expressions of both branches, so that the shadow's answer is one that would be served`;
  const raw = (line: number): string => `another answer is made of \`raw\` in line ${line}: do that within the expressions of both branches, or set \`raw\` in the branch that serves, too, so that the shadow's answer is one that would be served`;
  const twice = (words: string): string => `${words}, which would be done twice: assign it to a variable first`;
  const ARGUMENTS = 'the candidate\'s arguments call something, which would be done twice: assign them to variables first';
  const SETS = 'a variable is set, or something is yielded, within the expression of the candidate';
  const PART = 'the answer of the candidate is a part of what is returned or assigned: assign it to a variable of its own';
  const WHOLE = 'the answer of the candidate cannot be taken whole from its expression: assign it to a variable of its own';
  const NOT_ASSIGNED = 'the answer of the candidate is neither assigned nor returned: assign it to a variable';
  const shared = (name: string): string => `\`${name}\` may be another by the time the candidate is asked: assign it to a variable in front of the switch`;
  const REFUSED: readonly (readonly [what: string, text: string, why: string])[] = [
    ['more than a flag', asked('client.is_enabled("a") and x'), 'the condition asks for more than the flag'],
    ['more than a flag, in brackets', asked('(client.is_enabled("a") and x)'), 'the condition asks for more than the flag'],
    ['a flag that is kept', asked('(on := client.is_enabled("a"))'), 'the condition asks for more than the flag'],
    ['a third branch', IF.replace('    else:', '    elif x:\n        y = 0\n    else:'), 'it has more than two branches'],
    ['a flag in elif', IF.replace('if client', 'if x:\n        y = 1\n    elif client'), 'it has more than two branches'],
    ['one branch', IF.replace('    else:\n        y = model.predict(x)\n', ''), 'it has no branch in which the current version answers'],
    ['a conditional expression', 'def f(x):\n    return candidate.predict(x) if client.is_enabled("a") else model.predict(x)\n', 'the flag is not asked in the condition of an if statement'],
    ['a line that is shared', IF.replace('    else:\n        y', '    else: y'), 'other statements stand on its line'],
    ['the body of a class', `class A:\n    x = 1\n    if client.is_enabled("a"):\n        y = candidate.predict(x)\n    else:\n        y = 0\n`, 'it stands in the body of a class, whose variables a later call cannot read'],
    ['a syntax error in it', on('y = candidate.predict(x) +'), 'there is a syntax error in it'],
    ['a syntax error elsewhere', `${IF}\ndef g(:\n`, 'there is a syntax error in the file'],
    ['no model', on('y = 2'), 'no model is called in the branch of the candidate'],
    ['a model in a function', on('y = lambda: candidate.predict(x)'), 'no model is called in the branch of the candidate'],
    ['two models', on('z = scaler.transform(x)\ny = candidate.predict(z)'), 'several models are called in the branch of the candidate'],
    // What the branch sets.
    ['an assignment', on('m = candidate\ny = m.predict(x)'), set('m')],
    ['an augmented assignment', on('x += 1\ny = candidate.predict(x)'), set('x')],
    ['an import', on('from prep import scaler\ny = candidate.predict(scaler, x)'), set('scaler')],
    ['an import by another name', on('import prep as p\ny = candidate.predict(p.a, x)'), set('p')],
    ['with ... as', on('with prepared(x) as z: pass\ny = candidate.predict(z)'), set('z')],
    ['a loop above', on('for x in [1]: pass\ny = candidate.predict(x)'), set('x')],
    ['except ... as', on('try:\n    pass\nexcept E as z: pass\ny = candidate.predict(z)'), set('z')],
    ['a walrus above', on('print(x := 1)\ny = candidate.predict(x)'), set('x')],
    ['a definition', on('def z(): pass\ny = candidate.predict(z)'), set('z')],
    ['a class', on('class z: pass\ny = candidate.predict(z)'), set('z')],
    ['del', on('del x\ny = candidate.predict(x)'), set('x')],
    ['a capture', on('match x:\n    case [z]: pass\ny = candidate.predict(z)'), set('z')],
    // What the branch does.
    ['a list that is changed', on('x.append(1)\ny = candidate.predict(x)'), doing(7)],
    ['an item that is set', on('x["a"] = 1\ny = candidate.predict(x)'), doing(7)],
    ['an attribute that is set', on('x.a = 1\ny = candidate.predict(x)'), doing(7)],
    ['a call', on('prepare()\ny = candidate.predict(x)'), doing(7)],
    ['what is called for a log', on('log.info(x.pop())\ny = candidate.predict(x)'), doing(7)],
    ['a return above', on('if x: return 0\ny = candidate.predict(x)'), doing(7)],
    ['an import that may do anything', on('import prep\ny = candidate.predict(x)'), doing(7)],
    // Where the candidate is called.
    ['a loop', on('for row in x:\n    y = candidate.predict(row)'), within('a `for`')],
    ['with', on('with prepared(x) as z:\n    y = candidate.predict(z)'), within('a `with`')],
    ['another if', on('if x:\n    y = candidate.predict(x)'), within('an `if`')],
    ['a match', on('match x:\n    case z:\n        y = candidate.predict(z)'), within('a `match`')],
    ['except', on('try:\n    y = 1\nexcept E as z:\n    y = candidate.predict(z)'), within('an `except`')],
    // What is served.
    ['a call of nobody', on('candidate.predict(x)'), NOT_ASSIGNED],
    ['an item of a list', on('out.append(candidate.predict(x))'), NOT_ASSIGNED],
    ['what is added', on('y += candidate.predict(x)'), NOT_ASSIGNED],
    ['what is yielded', on('yield candidate.predict(x)'), NOT_ASSIGNED],
    ['where it goes', on('y[candidate.predict(x)] = 1'), NOT_ASSIGNED],
    ['several values', on('y, z = candidate.predict(x)'), 'several values are assigned at once: assign the answer to a variable of its own'],
    ['several values that are returned', on('return candidate.predict(x), 1'), PART],
    ['a dictionary', on('return {"score": candidate.predict(x)}'), PART],
    ['a list', on('y = [candidate.predict(x)]'), PART],
    ['each of many', on('y = [candidate.predict(z) for z in x]'), WHOLE],
    ['a text', on('y = f"{candidate.predict(x)}"'), WHOLE],
    ['a call around it', on('return jsonify(score=candidate.predict(x))'), calls('jsonify')],
    ['a method of the answer that does something', on('y = candidate.predict(x).save()'), '`save` is called on the answer of the candidate, and would be in shadow, too: assign the answer to a variable first'],
    ['a call beside it', on('y = candidate.predict(x) + tick()'), 'a function is called beside the candidate, which would be done twice: assign what it gives to a variable first'],
    ['an answer that is awaited', on('y = await candidate.predict(x)').replace('def', 'async def'), 'the candidate\'s answer is awaited: a thread cannot ask for it'],
    ['an argument that is awaited', on('y = candidate.predict([z async for z in x])').replace('def', 'async def'), 'something is awaited in the expression of the candidate: a thread cannot do that'],
    ['a walrus', on('y = candidate.predict((z := x))'), SETS],
    ['yield', on('y = candidate.predict((yield x))'), SETS],
    ['arguments that call', on('y = candidate.predict(next(x))'), ARGUMENTS],
    ['a comprehension that calls', on('y = candidate.predict([z.pop() for z in x])'), ARGUMENTS],
    ['a lambda', on('y = candidate.predict(lambda z: next(x))'), ARGUMENTS],
    ['a candidate that is taken out', on('y = models.pop().predict(x)'), '`models.pop()` would be called twice: assign the candidate to a variable in front of the switch'],
    ['super', on('y = super().predict(x)'), '`super()` would be called twice: assign the candidate to a variable in front of the switch'],
    ['what other requests change', on('y = self.candidate.predict(self.rows)').replace('(x', '(self, x'), shared('self.rows')],
    ['what the asked object has', on('y = x.predict(x.rows)'), shared('x.rows')],
    // What is made of the answer.
    ['a part of it', IF.replace('return y', 'return y[0]'), another(10)],
    ['an attribute of it', IF.replace('return y', 'return y.score'), another(10)],
    ['a calculation', IF.replace('return y', 'return 1 - y'), another(10)],
    ['a conversion', IF.replace('return y', 'return np.argmax(y)'), another(10)],
    ['another answer in the branch', on('y = candidate.predict(x)\ny = y[0]'), another(8)],
    ['another answer below', IF.replace('return y', 'y *= 2\n    return y'), another(10)],
    ['another answer by another name', on('raw = candidate.predict(x)\ny = calibrated(raw)'), raw(8)],
    ['a comparison that is returned', on('raw = candidate.predict(x)\nreturn raw > 0.5'), raw(8)],
    ['a choice by the answer', on('raw = candidate.predict(x)\nif raw > 0.5:\n    y = 1\nelse:\n    y = 0'), raw(8)],
    ['another answer of one that is only named anew', on('raw = candidate.predict(x)\nother = raw\ny = calibrated(other)'), raw(9).replaceAll('raw', 'other')],
    ['a part of one that is only named anew', on('raw = candidate.predict(x)\ny = raw').replace('return y', 'return y[0]'), another(11)],
    ['another answer in a try', on('try:\n    raw = candidate.predict(x)\n    y = calibrated(raw)\nexcept E:\n    y = 0'), raw(9)],
    ['another answer where the flag is negated', IF.replace('if client', 'if not client').replace('y = candidate.predict(x)', 'y = 0').replace('y = model.predict(x)', 'raw = candidate.predict(x)\n        y = calibrated(raw)'), raw(10)],
    ['another answer, where both return', 'def f(x, request_id):\n    if client.is_enabled("a"):\n        raw = candidate.predict(x)\n        return calibrated(raw)\n    return calibrated(model.predict(x))\n', raw(8)],
    // How the flag is asked.
    ['a context that is made', asked('client.is_enabled("a", make(x))'), twice('the flag\'s context calls something')],
    ['a context that is awaited', asked('client.is_enabled("a", await make)').replace('def', 'async def'), twice('the flag\'s context calls something')],
    ['a name that is computed', asked('client.is_enabled(name())'), 'the flag\'s name is neither a text nor a constant'],
    ['a name that calls', asked('client.is_enabled(f"{name()}")'), 'the flag\'s name is neither a text nor a constant'],
    ['stars', asked('client.is_enabled("a", **x)'), 'the flag is asked with `*` or `**`'],
    ['a client that is made', asked('UnleashClient().is_enabled("a")'), 'the client of the flag is made where it is asked: assign it to a variable first'],
    // What the file has.
    ['another class of that name', `class ShadowCalls: pass\n${IF}`, 'the file has another `ShadowCalls` than the one that is written: rename it, or remove it if it was written by an earlier version'],
    ['the class without an object', `from app import ShadowCalls\n${IF}`, 'the file has `ShadowCalls`, but no `shadow_calls = ShadowCalls(...)`'],
    ['another object of that name', `shadow_calls = []\n${IF}`, 'the file has another `shadow_calls`: rename it'],
    ['a parameter of that name', IF.replace('(x', '(shadow_calls, x'), 'the file has another `shadow_calls`: rename it'],
    ['an object below', `x = 1\nif client.is_enabled("a"):\n    y = candidate.predict(x)\nelse:\n    y = 0\nfrom app import shadow_calls\n`, '`shadow_calls` stands below it, where it is not there yet while the file is loaded: move it up, with its class'],
    ['an object below a function that is called above it', `${IF}\nwarmed = f(1, "w")\nfrom app import shadow_calls\n`, '`shadow_calls` stands below it, where it is not there yet while the file is loaded: move it up, with its class'],
    ['an import that shares its line', `import a; z = """\nb\n"""\n${IF}`, 'statements share a line with the imports of the file'],
  ];
  for (const [what, text, why] of REFUSED) it(`is refused: ${what}`, async () => assert.equal(await withShadow(HEAD + text), `refused: ${why}`));

  it('is not written where the file would have a syntax error', async () => {
    assert.match(await withShadow(HEAD + asked('client.is_enabled("a", \\\n {"b": x})')), /submit\("a", lambda: \(client, \{"b": x\}, request_id/);
    assert.equal(await withShadow(HEAD + IF, true), 'refused: a call of the candidate cannot be written there without a syntax error');
  });

  it('is offered only where a flag is asked', async () => assert.equal(await withShadow('x = 1\n'), 'nothing'));
});
