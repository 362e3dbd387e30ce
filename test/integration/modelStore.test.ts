import assert from 'node:assert/strict';
import { openRegistry } from '../../src/adapters/registries.ts';
import { sleep } from '../../src/adapters/node/sleep.ts';
import { ModelStore } from '../../src/core/models/modelStore.ts';
import type { RegistryTarget } from '../../src/core/workspace/registry.ts';
import { startMlflow, type RunningMlflow } from '../support/mlflow.ts';
import { fillRegistry } from '../support/manyModels.ts';

const clock = { now: () => Date.now(), after: (ms: number, callback: () => void) => { const timer = setTimeout(callback, ms); return { dispose: () => clearTimeout(timer) }; } };

/** 1,000 models with 50 versions each, in a real MLflow. */
describe('the store of a large registry', () => {
  let mlflow: RunningMlflow;
  before(async function start() {
    this.timeout(900_000);
    mlflow = await startMlflow();
    fillRegistry(mlflow.database, 1000, 50);
  });
  after(async function end() {
    this.timeout(60_000);
    await mlflow.stop();
  });

  const subjects: readonly [string, () => Omit<RegistryTarget, 'range'>, boolean][] = [
    ['over REST', () => ({ kind: 'mlflow', location: mlflow.url }), true],
    ['from mlflow.db', () => ({ kind: 'sqlite', location: mlflow.database }), false],
  ];
  for (const [name, target, counted] of subjects) {
    it(`shows models after one request ${name}, and the rest on demand`, async () => {
      const asked: string[] = [];
      const registry = openRegistry(target(), { folder: '/', credentialsFor: () => undefined, fetch: (url, init) => { asked.push(url.slice(mlflow.url.length)); return fetch(url, init); } });
      const store = new ModelStore({ registry, clock, pollEveryMs: () => 3_600_000 });
      store.follow(['bench-0999']);
      const firstPaint = new Promise<number>((resolve) => {
        const subscription = store.onDidChange(() => {
          if (store.snapshot.list.value === undefined) return;
          subscription.dispose();
          resolve(asked.length);
        });
      });
      store.setActive(true);
      assert.equal(await firstPaint, counted ? 1 : 0);
      assert.equal(store.snapshot.list.value?.items.length, 100);
      while (store.model('bench-0999').value === undefined) await sleep(20);
      assert.equal(asked.length, counted ? 2 : 0, 'the mapped model that is on no page yet');
      await store.loadMore();
      assert.equal(store.snapshot.list.value.items.length, 200);
      await store.loadVersions('bench-0999');
      assert.deepEqual(store.versions('bench-0999').value?.items.map(({ version }) => version), Array.from({ length: 50 }, (_, index) => String(50 - index)));
      assert.equal(store.resolve('bench-0999', 'champion'), '49');
      const found = await store.find('ench-077');
      assert.deepEqual(found.value?.items.map((model) => model.name), Array.from({ length: 10 }, (_, index) => `bench-077${index}`));
      store.dispose();
    });
  }
});
