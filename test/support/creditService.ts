import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFaults, type Faults } from '../../sandbox/faults.ts';
import { freePort, run } from '../../sandbox/processes.ts';
import { ensurePython } from '../../sandbox/python.ts';
import { serviceAnswers, startService } from '../../sandbox/service.ts';
import { template } from '../../sandbox/workspace.ts';
import { sharedUnleash } from './unleash.ts';

/** Two small models in the service's own Python: which of them is better is no matter here. */
const TRAIN = `
import json, joblib
from pathlib import Path
from sklearn.linear_model import LogisticRegression
from app.features import FEATURES
from training.generate import records
rows = records(3000, 1)
Path("models").mkdir(exist_ok=True)
x, y = [[float(row[name]) for name in FEATURES] for row in rows], [row["defaulted"] for row in rows]
for version, c in (("13", 0.1), ("14", 1.0)):
    joblib.dump(LogisticRegression(C=c, max_iter=500).fit(x, y), f"models/credit-risk-{version}.joblib")
Path("models/credit-explainer.json").write_text(json.dumps({"mean": [0.0] * len(FEATURES), "scale": [1.0] * len(FEATURES), "coefficients": [1.0] * len(FEATURES)}))
Path("data").mkdir(exist_ok=True)
Path("data/applications.csv").write_text(",".join(FEATURES) + "\\n" + "".join(",".join(str(row[name]) for name in FEATURES) + "\\n" for row in rows))
Path("data/applicants.jsonl").write_text("".join(json.dumps({name: row[name] for name in FEATURES}) + "\\n" for row in rows))
`;

export interface CreditService {
  readonly url: string;
  /** The folder that it runs in: its log is in logs/. */
  readonly folder: string;
  /** Rows as the service takes them. */
  readonly applicants: readonly Record<string, number>[];
  /** An answer to an application of a user: the arm that was assigned. @throws when it is none */
  predict(userId: string, applicant: Record<string, number>): Promise<string>;
  /** So many applicants, each a new one, as fast as it goes; by assigned arm. */
  answers(count: number): Promise<Record<string, number>>;
  /** What goes wrong from now on. */
  setFaults(faults: Faults): void;
  stop(): Promise<void>;
}

/** The sandbox's inference service beside the shared Unleash, with models that were trained in a second. */
export async function startCreditService(faults: Faults = {}): Promise<CreditService> {
  const unleash = await sharedUnleash();
  const python = await ensurePython({ venvDir: join(import.meta.dirname, '..', '..', '.sandbox', 'venv'), requirements: join(template, 'requirements.txt') });
  const folder = mkdtempSync(join(tmpdir(), 'modelswitch-credit-'));
  try {
    for (const part of ['app', 'training', 'params.yaml']) cpSync(join(template, part), join(folder, part), { recursive: true });
    mkdirSync(join(folder, 'logs'));
    await run(python, ['-c', TRAIN], { cwd: folder });
    const service = await startService({ python, workspace: folder, port: await freePort(), unleashUrl: unleash.url, unleashToken: unleash.seeded.tokens.productionBackend, cacheDirectory: join(folder, 'cache'), faults: writeFaults(folder, faults) });
    const predict = async (userId: string, applicant: Record<string, number>): Promise<string> => {
      const response = await fetch(`${service.url}/predict`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ applicant: { user_id: userId }, ...applicant }), signal: AbortSignal.timeout(60_000) });
      if (!response.ok) throw new Error(`The service answers ${response.status}: ${(await response.text()).slice(0, 300)}`);
      return (await response.json() as { assigned_arm: string }).assigned_arm;
    };
    return {
      url: service.url, folder, predict, answers: (count) => serviceAnswers(service.url, count),
      applicants: readFileSync(join(folder, 'data', 'applicants.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Record<string, number>),
      setFaults: (own) => void writeFaults(folder, own),
      stop: async () => {
        await service.stop();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}
