import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogSource } from '../../src/adapters/predictionLog/logSource.ts';
import { readQuality } from '../../src/core/quality/definitions.ts';
import { SHADOW_CLASS } from '../../src/core/refactor/wrap/shadowHelper.ts';
import { ensurePython } from '../../sandbox/python.ts';
import { mlflowPython } from '../support/mlflow.ts';
import { tryShadowed, WRITTEN } from '../support/refactor/shadowCases.ts';
import { withShadow } from '../support/refactor/shadows.ts';

const root = join(import.meta.dirname, '..', '..');

/** The SDK's own answers, from a bootstrapped cache: no server is asked. A model that hangs, fails, or answers. */
const PROGRAM = `import json, sys, threading, time
from UnleashClient import UnleashClient
from UnleashClient.cache import FileCache

share = sys.argv[1]
cache = FileCache("shadow-test", directory=sys.argv[2])
rule = lambda percent: [{"name": "flexibleRollout", "parameters": {"rollout": percent, "stickiness": "random", "groupId": "g"}, "constraints": []}]
cache.bootstrap_from_dict({"version": 1, "features": [
    {"name": "new-model", "enabled": True, "strategies": rule("0")}, {"name": "new-model.shadow", "enabled": True, "strategies": rule(share)}]})
client = UnleashClient(url="http://127.0.0.1:9/api", app_name="shadow-test", cache=cache, disable_metrics=True, disable_registration=True)
client.initialize_client(fetch_toggles=False)


class Model:
    def __init__(self, factor):
        self.factor = factor

    def predict(self, x):
        if self.factor == 2 and x == 3:
            raise ValueError("boom")
        if self.factor == 2 and x == 1000:
            hold.wait()
        return x * self.factor


hold = threading.Event()
model, candidate = Model(1), Model(2)


def score(x, request_id):
    if client.is_enabled("new-model", {}):
        y = candidate.predict(x)
    else:
        y = model.predict(x)
    x = None
    return y


answers = [score(x, f"r-{x}") for x in range(10)]
deadline = time.time() + 20
while "shadow_calls" in globals() and not shadow_calls._queue.empty() and time.time() < deadline:
    time.sleep(0.01)
# A candidate that hangs, and then more calls than can wait: the service goes on.
answers += [score(1000, "hangs")] + [score(x, f"late-{x}") for x in range(300)]
dropped = globals()["shadow_calls"].dropped if "shadow_calls" in globals() else 0
hold.set()
if "shadow_calls" in globals():
    shadow_calls._queue.join()
print(json.dumps({"answers": answers, "dropped": dropped}))
`;

describe('the code of a shadow call, run with the real SDK', function () {
  this.timeout(300_000);
  let folder: string;
  let python: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'modelswitch-shadow-'));
    python = await ensurePython({ venvDir: join(root, '.sandbox', 'venv'), requirements: join(root, 'sandbox', 'workspace', 'requirements.txt') });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function run(text: string, percent: string): { readonly answers: number[]; readonly dropped: number } {
    writeFileSync(join(folder, 'main.py'), text);
    const { status, stdout, stderr } = spawnSync(python, ['main.py', percent, mkdtempSync(join(folder, 'cache-'))], { cwd: folder, encoding: 'utf8', timeout: 120_000 });
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { answers: number[]; dropped: number };
  }

  it('logs what the candidate says, serves as before, never waits and never raises', async () => {
    const shadowed = await withShadow(PROGRAM);
    assert.ok(shadowed.includes('shadow_calls.submit("new-model", lambda: (client, {}, request_id, lambda x=x: candidate.predict(x)))'), shadowed);
    const plain = run(PROGRAM, '100');
    const { answers, dropped } = run(shadowed, '100');
    assert.deepEqual(answers, plain.answers);
    assert.ok(dropped >= 150, `${dropped} were dropped while the candidate hung`);
    const logged = readFileSync(join(folder, 'logs/predictions-shadow.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    const first = logged.slice(0, 10);
    assert.deepEqual(first.map(({ request_id, score, role, assigned_arm }) => [request_id, score, role, assigned_arm]), Array.from({ length: 10 }, (_, x) => [`r-${x}`, x === 3 ? null : 2 * x, 'shadow', 'candidate']));
    assert.deepEqual(first.map(({ error }) => error), Array.from({ length: 10 }, (_, x) => (x === 3 ? 'boom' : null)));
    // And they pair with what was served.
    writeFileSync(join(folder, 'logs/predictions-1.jsonl'), Array.from({ length: 10 }, (_, x) => `${JSON.stringify({ ts: new Date().toISOString(), request_id: `r-${x}`, unit_id: 'u', flag: 'new-model', assigned_arm: 'current', role: 'serving', score: x })}\n`).join(''));
    const { quality } = readQuality({ source: { log: 'logs/predictions-*.jsonl' } });
    const source = new LogSource({ folder, flags: ['new-model'], definition: quality ?? assert.fail() });
    const { shadow: [shadow] = [] } = await source.read({ now: Date.now(), signal: new AbortController().signal });
    // One of them failed, r-3; what waited while the candidate hung has no partner here.
    assert.deepEqual([shadow?.pairs, shadow?.errors], [9, 1]);
  });

  it('asks nobody while its flag is at 0 %', async () => {
    rmSync(join(folder, 'logs'), { recursive: true, force: true });
    const { dropped } = run(await withShadow(PROGRAM), '0');
    assert.equal(dropped, 0);
    assert.throws(() => readFileSync(join(folder, 'logs/predictions-shadow.jsonl')));
  });

  it('serves as before whatever the switch is like, and logs what the candidate\'s branch would have answered', async () => {
    const programs = await Promise.all([...WRITTEN, ...WRITTEN.slice(0, 1).map((each) => ({ ...each, name: 'other ends of lines', text: each.text.replaceAll('\n', '\r\n') }))].map(async (each) => {
      const after = await withShadow(each.text);
      assert.ok(after.includes('shadow_calls.submit('), `${each.name}: ${after}`);
      return { ...each, after };
    }));
    const complaints = tryShadowed(python, programs);
    assert.equal(complaints.length, programs.length);
    assert.deepEqual(complaints.flatMap((each, index) => (each.length === 0 ? [] : [[programs[index]?.name, ...each]])), []);
  });

  it('tells what it drops, asks once across forks and threads, copies data, and cuts errors', () => {
    const { status, stdout, stderr } = spawnSync(python, [join(root, 'test', 'fixtures', 'shadow', 'helper.py')], { cwd: mkdtempSync(join(folder, 'helper-')), input: SHADOW_CLASS, encoding: 'utf8', timeout: 120_000, env: { ...process.env, UNLEASH_ENVIRONMENT: 'production' } });
    assert.equal(status, 0, stderr);
    const { answers, forked, dropped, threads, copied, shared, passed, named } = JSON.parse(stdout) as Record<string, unknown>;
    const neither = (what: string): unknown[] => [null, null, `the candidate answered neither a number nor a short text: ${what}`];
    assert.deepEqual(answers, {
      number: [0.5, null, null], true: [1, null, null], whole: [3, null, null], text: [null, 'yes', null], 'number in a text': [null, '0.5', null], 'long text': neither(`'${'y'.repeat(199)}`),
      list: [0.5, null, null], tuple: [null, 'no', null], two: neither('[0.5, 0.5]'), array: [0.25, null, null], both: neither('array([[0.7, 0.3]])'), 'numpy text': [null, 'a', null],
      none: neither('None'), nan: neither('nan'), infinite: neither('inf'), dictionary: neither('{\'score\': 1}'), fails: [null, null, 'x'.repeat(500)], exits: [null, null, 'gone'], after: [1, null, null],
    });
    const ids = [...Array.from({ length: 20 }, (_, number) => `parent-${number}`), 'child-False', 'child-True'].toSorted();
    assert.deepEqual(forked, { children: [0, 0], ids });
    assert.deepEqual(dropped, [11, [0, 11, 0, 0], ['Full: the candidate does not keep up', 'NameError: name \'nothing\' is not defined'].map((why) => `A shadow call was dropped, as others will be: ${why}`), 13]);
    assert.deepEqual(threads, [1, 800]);
    assert.deepEqual(copied, ["[{'a': [1]}, [(1, [2])], {3}, copied.<locals>.Row(amounts=[1]), array([1.]), deque([1])]", true]);
    assert.deepEqual(shared, [[], true, 0]);
    assert.deepEqual(passed, ['KeyboardInterrupt', 'SystemExit']);
    assert.deepEqual(named, [['12', 'production', 'm', 'candidate', null, 'shadow'], ['12', 'qa', 'm', 'candidate', '7', 'shadow']]);
  });

  it('copies what is in the cells of tables', async () => {
    const { status, stdout, stderr } = spawnSync(await mlflowPython(), [join(root, 'test', 'fixtures', 'shadow', 'tables.py')], { cwd: folder, input: SHADOW_CLASS, encoding: 'utf8', timeout: 120_000 });
    assert.equal(status, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), []);
  });
});
