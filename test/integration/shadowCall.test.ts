import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogSource } from '../../src/adapters/predictionLog/logSource.ts';
import { readQuality } from '../../src/core/quality/definitions.ts';
import { ensurePython } from '../../sandbox/python.ts';
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
  before(() => { folder = mkdtempSync(join(tmpdir(), 'modelswitch-shadow-')); });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function run(text: string, percent: string): Promise<{ readonly answers: number[]; readonly dropped: number }> {
    const python = await ensurePython({ venvDir: join(root, '.sandbox', 'venv'), requirements: join(root, 'sandbox', 'workspace', 'requirements.txt') });
    writeFileSync(join(folder, 'main.py'), text);
    const { status, stdout, stderr } = spawnSync(python, ['main.py', percent, mkdtempSync(join(folder, 'cache-'))], { cwd: folder, encoding: 'utf8', timeout: 120_000 });
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { answers: number[]; dropped: number };
  }

  it('logs what the candidate says, serves as before, never waits and never raises', async () => {
    const shadowed = await withShadow(PROGRAM);
    assert.ok(shadowed.includes('shadow_calls.submit(client, "new-model", {}, request_id, lambda x=x: candidate.predict(x))'), shadowed);
    const plain = await run(PROGRAM, '100');
    const { answers, dropped } = await run(shadowed, '100');
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
    const { dropped } = await run(await withShadow(PROGRAM), '0');
    assert.equal(dropped, 0);
    assert.throws(() => readFileSync(join(folder, 'logs/predictions-shadow.jsonl')));
  });
});
