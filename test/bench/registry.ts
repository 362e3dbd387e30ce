import { DatabaseSync } from 'node:sqlite';
import { openRegistry } from '../../src/adapters/registries.ts';
import type { FetchLike } from '../../src/adapters/node/httpClient.ts';
import type { ModelRegistry } from '../../src/core/models/registry.ts';
import type { RegistryTarget } from '../../src/core/workspace/registry.ts';
import { runScript, startMlflow } from '../support/mlflow.ts';
import { median, type BenchRow } from './table.ts';

const MODELS = 1000;
const VERSIONS = 50;
const REPEATS = 7;
const MODEL = 'bench-0500';

interface Figure { readonly ms: number; readonly requests: number }
type Figures = Readonly<Record<'first' | 'versions' | 'everything', Figure>>;

/** Lists of a real MLflow with 1,000 models of 50 versions each, beside MLflow's own Python client, over REST and from the database. */
export async function benchRegistry(): Promise<BenchRow[]> {
  const server = await startMlflow();
  try {
    fill(server.database);
    const theirs = await runScript('bench.py', server.url, [String(REPEATS), MODEL]) as Figures;
    const ours = await measure({ kind: 'mlflow', location: server.url });
    const theirsFromFile = await runScript('bench.py', `sqlite:///${server.database}`, [String(REPEATS), MODEL]) as Figures;
    const oursFromFile = await measure({ kind: 'sqlite', location: server.database });
    return [...rows('over REST', ours, theirs, true), ...rows('from mlflow.db', oursFromFile, theirsFromFile, false)];
  } finally {
    await server.stop();
  }
}

/** By SQL: through the API it would take an hour. */
function fill(path: string): void {
  const database = new DatabaseSync(path, { timeout: 10_000 });
  database.exec(`BEGIN IMMEDIATE;
    CREATE TEMP TABLE n AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ${MODELS}) SELECT i, printf('bench-%04d', i) AS name FROM c;
    INSERT INTO registered_models (name, creation_time, last_updated_time, description, workspace) SELECT name, 1, 1, 'a model', 'default' FROM n;
    INSERT INTO model_versions (name, version, creation_time, last_updated_time, description, current_stage, source, status, workspace)
      SELECT n.name, v.i, 1, 1, '', 'None', 's3://models/' || n.name, 'READY', 'default' FROM n, n AS v WHERE v.i <= ${VERSIONS};
    INSERT INTO registered_model_aliases (alias, version, name, workspace) SELECT 'champion', ${VERSIONS - 1}, name, 'default' FROM n;
    INSERT INTO model_version_tags (key, value, name, version, workspace) SELECT 'team', 'risk', name, ${VERSIONS}, 'default' FROM n;
    COMMIT`);
  database.close();
}

async function measure(target: Omit<RegistryTarget, 'range'>): Promise<Figures> {
  let requests = 0;
  const counting: FetchLike = (url, init) => {
    requests += 1;
    return fetch(url, init);
  };
  const ask = async (question: (registry: ModelRegistry) => Promise<unknown>): Promise<Figure> => {
    const registry = openRegistry(target, { folder: '/', credentialsFor: () => undefined, fetch: counting });
    await question(registry);
    const times: number[] = [];
    for (let repeat = 0; repeat < REPEATS; repeat += 1) {
      requests = 0;
      const started = performance.now();
      await question(registry);
      times.push(performance.now() - started);
    }
    registry.close();
    return { ms: median(times), requests };
  };
  return {
    first: await ask((registry) => registry.listModels()),
    versions: await ask((registry) => registry.listVersions(MODEL)),
    everything: await ask(async (registry) => {
      for (let page: string | undefined; ;) {
        page = (await registry.listModels({ page, size: 1000 })).next;
        if (page === undefined) return;
      }
    }),
  };
}

function rows(where: string, ours: Figures, theirs: Figures, counted: boolean): BenchRow[] {
  const beside = (value: number): { name: string; value: number } => ({ name: 'the mlflow Python client', value });
  const ms = (name: string, key: keyof Figures): BenchRow => ({ name: `${name} ${where}`, value: ours[key].ms, unit: 'ms', baseline: beside(theirs[key].ms) });
  return [
    ...(counted ? [{ name: `requests until the first of ${MODELS} models show`, value: ours.first.requests, unit: '', target: '<= 1', baseline: beside(theirs.first.requests) }] : []),
    ms('first 100 models', 'first'),
    { name: `first 100 models ${where}, relative to the Python client`, value: ours.first.ms / theirs.first.ms, unit: 'x', target: '<= 1' },
    ms(`the ${VERSIONS} versions of a model with their aliases,`, 'versions'),
    ms(`all ${MODELS} models`, 'everything'),
  ];
}
