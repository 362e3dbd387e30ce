import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { template } from '../../sandbox/workspace.ts';
import type { RunReport } from '../../src/core/suites/report.ts';
import { mlflowPython } from '../support/mlflow.ts';

const program = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

/** Both versions as the workspace trains them, without a registry. */
const TRAIN = `
import joblib, yaml
from pathlib import Path
from app.features import FEATURES
from training import generate, train
generate.main("2026-09")
import pandas as pd
data = pd.read_csv("data/applications.csv")
Path("models").mkdir(exist_ok=True)
params = yaml.safe_load(Path("params.yaml").read_text())["models"]
for version, name, last in (("13", "logistic", "2026-08"), ("14", "boosting", "2026-09")):
    rows = data[data["month"] <= last]
    joblib.dump(train.KINDS[name](params[name]).fit(rows[FEATURES].to_numpy(float), rows["defaulted"]), f"models/credit-risk-{version}.joblib")
`;

describe('the suites of the sandbox', function () {
  this.timeout(900_000);
  let folder: string;
  let python: string;

  before(async () => {
    python = await mlflowPython();
    folder = mkdtempSync(join(tmpdir(), 'modelswitch-sandbox-suites-'));
    cpSync(template, folder, { recursive: true });
    const trained = spawnSync(python, ['-c', TRAIN], { cwd: folder, encoding: 'utf8' });
    assert.equal(trained.status, 0, trained.stderr);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('pass for the candidate, and find that the weaker version does not see corners', () => {
    const ran = spawnSync(process.execPath, [program, 'test', '--both', '--json', 'report.json', '--python', python], { cwd: folder, encoding: 'utf8' });
    assert.equal(ran.status, 0, ran.stdout + ran.stderr);
    const { runs } = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as { runs: RunReport[] };
    assert.deepEqual(runs.flatMap(({ suites }) => suites.map(({ file, arm, verdict, version }) => [file, arm, verdict, version.kind === 'established' ? version.version : version.reason])), [
      ['suites/corners.mltest.yaml', 'candidate', 'passed', '14'], ['suites/corners.mltest.yaml', 'current', 'failed', '13'],
      ['suites/credit-risk.mltest.yaml', 'candidate', 'passed', '14'], ['suites/credit-risk.mltest.yaml', 'current', 'passed', '13'],
    ]);
    assert.ok((runs[0]?.regression?.better ?? 0) >= 2 && runs[0]?.regression?.worse === 0);
  });
});
