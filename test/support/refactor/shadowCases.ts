/** Switches that get a shadow call, or must not: each is run by Python as it was and as it is then, see `fixtures/shadow/runner.py`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export interface ShadowCase {
  readonly name: string;
  readonly text: string;
  /** What `serve` is called with: a Python expression, evaluated anew for each run. */
  readonly calls: string;
  /** Whether all its shadow calls are dropped, as they must be. */
  readonly drops?: boolean;
}

const WORLD = 'from world import client, model, candidate, models, registry, scaler, candidate_score, current_score, get_candidate, audit\n';
const X = '[[1, "r0"], [{"a": 2.5, "b": [1, 2]}, "r1"], ["fails", "r2"], [[3, 4], "r3"]]';
const ROWS = '[[{"a": 1, "b": 2}, ["a", "b"], "r0"], [{"a": 5}, ["a"], "r1"]]';

/** A switch in a function: what the candidate and the current version do. */
const serve = (on: string, off: string, head = 'def serve(x, request_id):'): string => `${head}\n    if client.is_enabled("new-model", {"userId": str(x)}):\n${on.replaceAll(/^/gm, '        ')}\n    else:\n${off.replaceAll(/^/gm, '        ')}\n    return y\n`;
const made = (name: string, text: string, calls = X, more: Partial<ShadowCase> = {}): ShadowCase => ({ name, text: WORLD + text, calls, ...more });
const simple = serve('y = candidate.predict(x)', 'y = model.predict(x)');

export const WRITTEN: readonly ShadowCase[] = [
  made('assigned in both branches', simple),
  made('returned early', 'def serve(x, request_id):\n    if client.is_enabled("new-model"):\n        return candidate.predict(x)\n    return model.predict(x)\n'),
  made('negated', 'def serve(x, request_id):\n    if not client.is_enabled("new-model", {}):\n        y = model.predict(x)\n    else:\n        y = candidate.predict(x)\n    return y\n'),
  made('negated, both return', 'def serve(x, request_id):\n    if not client.is_enabled("new-model", {}):\n        return model.predict(x)\n    else:\n        return candidate.predict(x)\n'),
  made('modules of the same names as those of the class', `import datetime\nfrom time import time\nfrom math import floor as json\nqueue = threading = os = logging = math = 1\n${serve('y = candidate.predict(x)', 'y = model.predict(x)\naudit([datetime.datetime.now() > datetime.datetime(2000, 1, 1), time() > 0, json(2.5), queue, threading, os, logging, math])')}`),
  made('a comprehension', 'def serve(row, cols, request_id):\n    if client.is_enabled("new-model", {}):\n        return candidate.predict([row[c] for c in cols])\n    return model.predict([row[c] for c in cols])\n', ROWS),
  made('comprehensions of all kinds', 'def serve(row, cols, request_id):\n    if client.is_enabled("new-model", {}):\n        return candidate.predict({c: row[c] for c in cols}, {c for c in cols if c}, *(row[k] for k in cols), **{k: [c for c in k] for k in cols})\n    return model.predict(row)\n', '[[{"a": 1}, ["a"], "r0"]]'),
  made('a comprehension over a variable of the same name', serve('y = candidate.predict([x for x in x], x)', 'y = model.predict(x)'), '[[[1, 2], "r0"]]'),
  made('an index behind the call', serve('y = candidate.predict_proba(x)[0, 1]', 'y = model.predict_proba(x)[0, 1]')),
  made('a conversion and a key around the call', serve('y = round(float(candidate.infer(x)["score"]), 3)', 'y = round(float(model.infer(x)["score"]), 3)')),
  made('a method behind the call', serve('y = candidate.predict_proba(x).ravel().tolist()[1]', 'y = model.predict_proba(x).ravel().tolist()[1]')),
  made('a text', serve('y = candidate.classify(x).upper()', 'y = model.classify(x).upper()')),
  made('an array of one', serve('y = candidate.predict_proba(x)[:, 1]', 'y = model.predict_proba(x)[:, 1]')),
  made('arithmetic and comparison', serve('y = 1 - 0.5 * candidate.predict(x) - 0.5 * model.predict(x)', 'y = 1 - model.predict(x)')),
  made('a threshold', serve('y = candidate.predict(x) > 0.5', 'y = model.predict(x) > 0.5')),
  made('a choice by what is given', 'def serve(x, flag, request_id):\n    if client.is_enabled("new-model", {}):\n        return candidate.predict(x) if flag else model.predict(x)\n    return model.predict(x)\n', '[[1, True, "r0"], [1, False, "r1"]]'),
  made('a comment in the call, and one in the context', 'def serve(x, request_id):\n    if client.is_enabled("new-model", {\n        "userId": str(x),  # who\n        # and what\n        "properties": {"a": "b"},\n    }):\n        return candidate.predict(\n            x,  # the features\n            2,\n        )\n    return model.predict(x)\n'),
  made('a line that goes on behind a backslash', serve('y = candidate \\\n    .predict(x) \\\n    + 1', 'y = model.predict(x)')),
  made('a text of several lines', serve('y = candidate.predict(x, """a\n    b""", \'\'\'\n  c # no comment\\n\'\'\')', 'y = model.predict(x)')),
  made('brackets over several lines', serve('y = (\n    candidate.predict_proba(x)  # both\n    [0]\n    [1]\n)', 'y = model.predict(x)')),
  made('an f-string with quotes', serve('y = candidate.predict(f"{x!r:>20}", f\'{x}"\')', 'y = model.predict(x)')),
  made('stars and names', 'def serve(*args, request_id="r", **kwargs):\n    if client.is_enabled("new-model", {}):\n        return candidate.predict(*args, k=args[0], **kwargs)\n    return model.predict(*args, **kwargs)\n', '[[[1, 2], 3]]'),
  made('no argument', serve('y = candidate.predict()', 'y = model.predict()')),
  made('a loop whose variable changes', 'def serve(rows, request_id):\n    out = []\n    for row in rows:\n        if client.is_enabled("new-model", {}):\n            y = candidate.predict(row)\n        else:\n            y = model.predict(row)\n        out.append(y)\n        row = None\n    return {"served": out[0], "all": out}\n', '[[[{"a": 1}], "r0"], [["b"], "r1"]]'),
  made('a candidate that a loop chooses', 'def serve(x, request_id):\n    for name in ["candidate", "current"]:\n        chosen = registry[name]\n        if name == "candidate":\n            if client.is_enabled("new-model", {}):\n                y = chosen.predict(x)\n            else:\n                y = model.predict(x)\n    return y\n'),
  made('input that is changed later', serve('y = candidate.predict(x)', 'y = model.predict(x)\nif isinstance(x, dict):\n    x["a"] = "changed"\n    x["b"].append(9)'), '[[{"a": 1, "b": [1]}, "r0"], [{"b": [], "c": {1: 2}}, "r1"]]'),
  made('arrays', serve('y = candidate.predict(x)', 'y = model.predict(x)\nx *= 2'), '[[numpy.array([[1.0, 2.0]]), "r0"]]'),
  made('objects', 'def serve(row, request_id):\n    if client.is_enabled("new-model", {}):\n        return candidate.predict(row.amount)\n    return model.predict(row.amount)\n', '[[Row(3), "r0"], [Row([1]), "r1"]]'),
  made('a generator, which only one may read', serve('y = candidate.predict(x)', 'y = model.predict(x)').replace('{"userId": str(x)}', '{}'), '[[(n for n in range(3)), "r0"], [iter([1, 2]), "r1"], [map(str, [1]), "r2"]]', { drops: true }),
  made('a variable that this branch does not have', 'def serve(x, request_id):\n    if x == 1:\n        z = 2\n    if client.is_enabled("new-model", {}):\n        return candidate.predict(z)\n    return model.predict(x)\n', '[[2, "r0"], [3, "r1"]]', { drops: true }),
  made('a candidate that is not there', 'del candidate\n' + simple, X, { drops: true }),
  made('a request id that is not there', 'def serve(x):\n    if client.is_enabled("new-model", {}):\n        return candidate.predict(x)\n    return model.predict(x)\n', '[[1], [2]]', { drops: true }),
  made('a context that fails', 'class Context:\n    def __getattr__(self, name):\n        raise RuntimeError(name)\n\n\ncontext = Context()\n\n\ndef serve(x, request_id):\n    if client.is_enabled("new-model"):\n        return candidate.predict(x)\n    return model.predict(x)\n'),
  made('a method with its own models', 'class Service:\n    def __init__(self):\n        self.__model, self._candidate, self.client = model, candidate, client\n\n    def score(self, x, request_id):\n        if self.client.is_enabled("new-model", {}):\n            return self._candidate.predict(x)\n        return self.__model.predict(x)\n\n    @classmethod\n    def of(cls, x, request_id):\n        return cls().score(x, request_id)\n\n\nserve = Service.of\n'),
  made('a name that Python mangles', 'class Service:\n    def score(self, __x, request_id):\n        if client.is_enabled("new-model", {}):\n            return candidate.predict(__x)\n        return model.predict(__x)\n\n\nserve = Service().score\n'),
  made('a static method, decorated', 'import functools\n\n\nclass Service:\n    @staticmethod\n    @functools.lru_cache()\n    def score(x, request_id):\n        """Scores."""\n        if client.is_enabled("new-model", {}):\n            return candidate.predict(x)\n        return model.predict(x)\n\n\nserve = Service.score\n', '[[1, "r0"], [2, "r1"]]'),
  made('a function in a function', 'def serve(x, request_id):\n    z = [x]\n\n    def inner(k=1):\n        if client.is_enabled("new-model", {}):\n            return candidate.predict(z, k)\n        else:\n            return model.predict(z, k)\n    y = inner()\n    z.append(2)\n    z = None\n    return y\n'),
  made('async code', 'import asyncio\n\n\nasync def serve(x, request_id):\n    await asyncio.sleep(0)\n    if client.is_enabled("new-model", {}):\n        return candidate.predict(x)\n    y = model.predict(x)\n    await asyncio.sleep(0)\n    return y\n'),
  made('a generator function', 'def serve(x, request_id):\n    if client.is_enabled("new-model", {}):\n        y = candidate.predict(x)\n    else:\n        y = model.predict(x)\n    yield {"served": y}\n', '[[1, "r0"], [2, "r1"]]'),
  made('try around the switch', 'def serve(x, request_id):\n    try:\n        if client.is_enabled("new-model", {}):\n            y = candidate.predict(x)\n        else:\n            y = model.predict(x)\n    finally:\n        audit(x)\n    return y\n'),
  made('try around the candidate', 'def serve(x, request_id):\n    if client.is_enabled("new-model", {}):\n        try:\n            y = candidate.predict(x)\n        except KeyError as failure:\n            audit(str(failure))\n            y = model.predict(x)\n    else:\n        y = model.predict(x)\n    return y\n', '[[1, "r0"], [2, "r1"]]'),
  made('with around the switch', 'import contextlib\n\n\ndef serve(x, request_id):\n    with contextlib.suppress(ValueError) as z:\n        if client.is_enabled("new-model", {}):\n            return candidate.predict(x, z)\n        return model.predict(x, z)\n'),
  made('a switch in a switch of something else', 'def serve(x, request_id):\n    if x:\n        if client.is_enabled("new-model", {}):\n            return candidate.predict(x)\n        else:\n            return model.predict(x)\n    return model.predict(0)\n'),
  made('global and nonlocal', 'last = 0\n\n\ndef serve(x, request_id):\n    count = 0\n\n    def inner():\n        global last\n        nonlocal count\n        last, count = x, count + 1\n        if client.is_enabled("new-model", {}):\n            y = candidate.predict(last, count)\n        else:\n            global other\n            y = other = model.predict(last, count)\n        last = count = None\n        return y\n    return inner()\n'),
  made('a default that is changed', 'def serve(x, request_id, seen=[]):\n    if client.is_enabled("new-model", {}):\n        y = candidate.predict(x, seen)\n    else:\n        y = model.predict(x, seen)\n    seen.append(x)\n    return y\n'),
  made('what is logged above and counted below', 'import logging\n\nlog = logging.getLogger(__name__)\n\n\ndef serve(x, request_id):\n    if client.is_enabled("new-model", {}):\n        log.info("the candidate answers %s", x)\n        arm = "candidate"\n        y = candidate.predict(x)\n        audit(arm)\n    else:\n        arm = "current"\n        y = model.predict(x)\n    log.info("%s %s", arm, y * 2)\n    return {"served": y, "arm": arm, "is high": y > 0.5}\n'),
  made('attributes as targets', 'class Result:\n    pass\n\n\ndef serve(x, request_id):\n    result = Result()\n    if client.is_enabled("new-model", {}):\n        result.y = candidate.predict(x)\n    else:\n        result.y = model.predict(x)\n    return result.y\n'),
  made('annotated, and two targets', serve('y: float = candidate.predict(x)', 'y = z = model.predict(x)\naudit(z)')),
  made('a list of the module that is changed later', 'seen = [0]\n\n\ndef serve(x, request_id):\n    if client.is_enabled("new-model", {}):\n        y = candidate.predict(x, seen)\n    else:\n        y = model.predict(x, seen)\n    seen.append(x)\n    return y\n'),
  made('a constant of the module', 'COLUMNS = ["a"]\n\n\ndef serve(x, request_id):\n    if client.is_enabled("new-model", {}):\n        return candidate.predict(x, COLUMNS)\n    return model.predict(x, COLUMNS)\n'),
  made('a function of its own', 'def serve(x, request_id):\n    if client.is_enabled("new-model", {}):\n        return candidate_score(x)\n    return current_score(x)\n'),
  made('models of a dictionary, of an object, and of a getter', 'def serve(x, arm, request_id):\n    if arm == 0:\n        if client.is_enabled("new-model", {}):\n            return registry["candidate"].predict(x)\n        return models.current.predict(x)\n    if arm == 1:\n        if client.is_enabled("other-model", {}):\n            return models.candidate.predict(x)\n        return models.current.predict(x)\n    return get_candidate().predict(x)\n', '[[1, 0, "r0"], [2, 0, "r1"]]'),
  made('a getter of the candidate', serve('y = get_candidate().predict(x)', 'y = model.predict(x)')),
  made('a script', 'request_id = "r"\ntotal = 0\nfor x in [1]:\n    if client.is_enabled("new-model", {}):\n        result = candidate.predict(x)\n    else:\n        result = model.predict(x)\n    x = None\n', ''),
  made('tabs', simple.replaceAll('    ', '\t')),
  made('two spaces', simple.replaceAll('    ', '  ')),
  made('one line for the candidate', 'def serve(x, request_id):\n    if client.is_enabled("new-model", {}): return candidate.predict(x)\n    # the current one\n    y = 0; y = model.predict(x)\n    return y\n'),
  { name: 'documentation, a future, guarded imports', text: `#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n"""What is documented: é."""\nfrom __future__ import annotations\n\nimport typing\n\nif typing.TYPE_CHECKING:\n    from nowhere import Thing\n\ntry:\n    import numpy as np\nexcept ImportError:\n    np = None\n\n${WORLD}\n\nassert __doc__ == "What is documented: é."\n\n\n${simple.replace('(x, request_id)', '(x: Thing, request_id: str)')}`, calls: X },
  { name: 'an encoding, and no import', text: `# a comment\n# -*- coding: latin-1 -*-\ndef serve(x, request_id, client=None):\n    from world import client, model, candidate\n    if client.is_enabled("new-model", {}):\n        return candidate.predict(x)\n    return model.predict(x)\n`, calls: X },
  { name: 'imports without a line end', text: `def serve(x, request_id):\n    if client.is_enabled("new-model", {}):\n        return candidate.predict(x)\n    return model.predict(x)\n\n\n${WORLD.trimEnd()}`, calls: X },
];

/** Complaints of the runner, for each program. */
export function tryShadowed(python: string, programs: readonly (ShadowCase & { readonly after: string })[]): readonly (readonly string[])[] {
  const input = programs.map(({ name, text, calls, drops = false, after }) => ({ name, before: text, after, calls, drops }));
  const { status, stdout, stderr } = spawnSync(python, [join(import.meta.dirname, '..', '..', 'fixtures', 'shadow', 'runner.py')], { input: JSON.stringify(input), encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, timeout: 240_000 });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as string[][];
}
