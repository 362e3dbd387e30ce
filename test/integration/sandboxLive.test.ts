import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FAULT_OPTIONS, readFaults } from '../../sandbox/faults.ts';
import { SandboxError } from '../../sandbox/processes.ts';

/** Parts of a service as live.py meets them, and what came of 2,000 answers of each arm. */
const SCRIPT = `
import json, os, sys, tempfile, time, glob
from pathlib import Path
import live

class Model:
    def default_probability(self, row): return 0.25
class Models: current, candidate = Model(), Model()
class Application:
    def feature_dict(self): return {"income": 10.0, "loan_months": 12}
    def feature_row(self): return [10.0, 12.0]
class Features: pass
Features.Application = Application
class Log:
    records = []
    def write(self, **record):
        self.records.append(record)
        return "r-%d" % len(self.records)

folder = Path(tempfile.mkdtemp())
log = Log()
outcomes = live.install(Models, Features, log, folder)
failed = {"current": 0, "candidate": 0}
for arm in failed:
    for _ in range(2000):
        try: getattr(Models, arm).default_probability([1.0])
        except RuntimeError: failed[arm] += 1
    for _ in range(100): log.write(assigned_arm=arm, score=0.25)
marked = sum("error" in record for record in log.records)
outcomes.write_due(time.time() + 60)
soon = sum(len(open(f).readlines()) for f in folder.glob("outcomes-*.jsonl"))
outcomes.write_due(time.time() + 3600)
lines = [json.loads(line) for f in folder.glob("outcomes-*.jsonl") for line in open(f)]
logged, features = len(Log.records), [Application().feature_dict(), Application().feature_row()]
Path(os.environ["SANDBOX_FAULTS"]).write_text(json.dumps({"silence": ["current"]}))
later = [log.write(assigned_arm=arm, score=0.25) == "not logged" for arm in ("current", "candidate")]
print(json.dumps({"later": later, "failed": failed, "features": features, "logged": logged, "marked": marked, "soon": soon, "outcomes": len(lines), "times": [l["ts"] for l in lines], "defaulted": sum(l["defaulted"] for l in lines)}))
`;

interface Told { later: boolean[]; marked: number; failed: { current: number; candidate: number }; features: unknown; logged: number; soon: number; outcomes: number; times: string[]; defaulted: number }

function live(faults: unknown): Told {
  const folder = mkdtempSync(join(tmpdir(), 'modelswitch-live-'));
  const file = join(folder, 'faults.json');
  writeFileSync(file, JSON.stringify(faults));
  const { status, stdout, stderr } = spawnSync('python3', ['-c', SCRIPT], { encoding: 'utf8', env: { ...process.env, PYTHONPATH: join(import.meta.dirname, '..', '..', 'sandbox'), PYTHONDONTWRITEBYTECODE: '1', SANDBOX_FAULTS: file } });
  rmSync(folder, { recursive: true });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as Told;
}

describe('faults of the sandbox', function () {
  this.timeout(60_000);

  it('are none without being asked for, and outcomes follow the score', () => {
    const told = live(readFaults({}));
    assert.deepEqual([told.failed, told.features, told.logged, told.soon, told.outcomes], [{ current: 0, candidate: 0 }, [{ income: 10, loan_months: 12 }, [10, 12]], 200, 200, 200]);
    assert.ok(told.times.every((time) => Math.abs(Date.parse(time) - Date.now()) < 2 * 3_600_000), 'how late outcomes come is told by their time');
    assert.ok(told.defaulted > 25 && told.defaulted < 80, String(told.defaulted));
  });

  it('degrade, drift, silence an arm, and keep labels back', () => {
    const told = live(readFaults({ degrade: ['candidate=0.1'], drift: ['income'], silence: ['candidate'], 'labels-late': true }));
    assert.equal(told.failed.current, 0);
    assert.ok(told.failed.candidate > 130 && told.failed.candidate < 270, String(told.failed.candidate));
    assert.deepEqual(told.features, [{ income: 16, loan_months: 12 }, [16, 12]]);
    assert.deepEqual([told.logged, told.soon, told.outcomes], [100, 0, 100]);
    const other = live(readFaults({ errors: ['candidate=1'] }));
    assert.deepEqual([other.marked, other.later], [100, [true, false]], 'what is written into the file later counts from then on');
  });

  it('are all described for people', () => {
    const text = readFileSync(new URL('../../docs/demo.md', import.meta.url), 'utf8');
    for (const option of Object.keys(FAULT_OPTIONS)) assert.match(text, new RegExp(`^\\| \`--${option}\\b`, 'm'));
  });

  it('are refused by name', () => {
    for (const [options, message] of [[{ degrade: ['candidate'] }, /--degrade takes ARM=NUMBER/], [{ degrade: ['x=0.1'] }, /--degrade/], [{ delay: ['candidate=-1'] }, /--delay/], [{ drift: ['salary'] }, /--drift takes one of income/], [{ silence: ['x'] }, /--silence takes one of current, candidate/]] as const) {
      assert.throws(() => readFaults(options as never), (error) => error instanceof SandboxError && message.test(error.message));
    }
  });
});
