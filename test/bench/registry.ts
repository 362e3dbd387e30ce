import { openRegistry } from '../../src/adapters/registries.ts';
import type { FetchLike } from '../../src/adapters/node/httpClient.ts';
import type { ModelRegistry } from '../../src/core/models/registry.ts';
import type { RegistryTarget } from '../../src/core/workspace/registry.ts';
import { fillRegistry } from '../support/manyModels.ts';
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
    fillRegistry(server.database, MODELS, VERSIONS);
    const theirs = await runScript('bench.py', server.url, [String(REPEATS), MODEL]) as Figures;
    const ours = await measure({ kind: 'mlflow', location: server.url });
    const theirsFromFile = await runScript('bench.py', `sqlite:///${server.database}`, [String(REPEATS), MODEL]) as Figures;
    const oursFromFile = await measure({ kind: 'sqlite', location: server.database });
    return [...rows('over REST', ours, theirs, true), ...rows('from mlflow.db', oursFromFile, theirsFromFile, false)];
  } finally {
    await server.stop();
  }
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
    { name: `first 100 models ${where}, relative to the Python client`, value: ours.first.ms / theirs.first.ms, unit: 'x' },
    ms(`the ${VERSIONS} versions of a model with their aliases,`, 'versions'),
    ms(`all ${MODELS} models`, 'everything'),
  ];
}
