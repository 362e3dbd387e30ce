import assert from 'node:assert/strict';
import { AppError } from '../../../src/core/base/errors.ts';
import type { RegisteredModel, VersionDetail } from '../../../src/core/models/model.ts';
import { ModelStore } from '../../../src/core/models/modelStore.ts';
import type { AliasChange } from '../../../src/core/models/registry.ts';
import { ManualClock } from '../../support/manualClock.ts';
import { ScriptedRegistry } from '../../support/scriptedRegistry.ts';

const EVERY = 60_000;

describe('the store of a model registry', () => {
  let registry: ScriptedRegistry;
  let clock: ManualClock;
  let store: ModelStore;
  let moved: AliasChange[];
  const settled = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });
  const names = (): string[] => (store.snapshot.list.value?.items ?? []).map(({ name }) => name);

  beforeEach(() => {
    registry = new ScriptedRegistry();
    clock = new ManualClock();
    moved = [];
    store = new ModelStore({ registry, clock, pollEveryMs: () => EVERY });
    store.onDidChange((change) => moved.push(...change.moved));
    for (let index = 0; index < 250; index += 1) registry.add(`m${String(index).padStart(3, '0')}`, 2);
  });
  afterEach(() => store.dispose());

  it('reads nothing before somebody asks, then the first page in one request', async () => {
    store.follow([]);
    await settled();
    assert.deepEqual(registry.asked, []);
    assert.deepEqual(store.snapshot.list, { loading: false });
    store.setActive(true);
    await settled();
    assert.deepEqual(registry.asked, ['models 0+100']);
    assert.equal(names().length, 100);
    assert.equal(store.snapshot.list.value?.next, '100');
  });

  it('is asked by those who listen to it, within its own event, without end', async () => {
    store.onDidChange(() => {
      store.wantDetail('m001', '1');
      void store.loadVersions('m001');
    });
    await store.refresh();
    await settled();
    assert.deepEqual(registry.asked.toSorted(), ['models 0+100', 'version m001 1', 'versions m001 0+100', 'versions m001 0+100']);
  });

  it('adds pages on demand, and a refresh reads as many as there are in one request', async () => {
    await store.refresh();
    await Promise.all([store.loadMore(), store.loadMore()]);
    assert.equal(names().length, 200, 'a double click adds one page');
    registry.asked.length = 0;
    await store.refresh();
    assert.deepEqual(registry.asked, ['models 0+200']);
    await store.loadMore();
    await store.loadMore();
    assert.equal(names().length, 250);
    assert.equal(store.snapshot.list.value?.next, undefined);
  });

  it('reads followed models that are on no page by themselves, after the list', async () => {
    store.follow(['m001', 'm249', 'gone']);
    await store.refresh();
    assert.deepEqual(registry.asked, ['models 0+100', 'model m249', 'model gone']);
    assert.deepEqual(store.model('m249').value?.aliases, [{ alias: 'champion', version: '1' }]);
    assert.equal(store.model('gone').error?.code, 'notFound');
    assert.equal(store.model('m001').value?.name, 'm001');
    store.follow(['m001', 'm200']);
    await settled();
    assert.equal(registry.asked.at(-1), 'model m200', 'a model that is followed later is read at once');
  });

  it('reads once more after what is under way when something changed, for that may have been read before', async () => {
    let again: Promise<unknown> | undefined;
    store.onDidChange(() => {
      if (again !== undefined || store.snapshot.list.value === undefined) return;
      registry.alias('m000', 'champion', '2');
      again = Promise.all([store.refreshAll(), store.refreshAll()]);
    });
    await store.refresh();
    await again;
    assert.equal(store.model('m000').value?.aliases[0]?.version, '2');
    assert.deepEqual(registry.asked, ['models 0+100', 'models 0+100'], 'both in one reading');
  });

  it('polls while it is active only', async () => {
    store.setActive(true);
    await settled();
    clock.time += clock.fire();
    await settled();
    assert.equal(registry.asked.length, 2);
    store.setActive(false);
    assert.equal(clock.timers.length, 0);
    store.setActive(true);
    assert.equal(registry.asked.length, 2, 'what is fresh is not read again');
    clock.time += EVERY;
    store.setActive(false);
    await settled();
    assert.equal(registry.asked.length, 2, 'nothing is read when the view closes');
    store.setActive(true);
    await settled();
    assert.equal(registry.asked.length, 3);
  });

  it('keeps what it knows through failures, asks less often, and takes empty for empty', async () => {
    store.setActive(true);
    await settled();
    const readAt = store.snapshot.list.readAt;
    registry.failing = new AppError('network', 'away');
    const waits: number[] = [];
    for (let turn = 0; turn < 6; turn += 1) {
      const due = clock.fire();
      waits.push(due - clock.time);
      clock.time = due;
      await settled();
    }
    assert.deepEqual(waits, [60_000, 120_000, 240_000, 480_000, 600_000, 600_000]);
    assert.equal(names().length, 100);
    assert.equal(store.snapshot.list.readAt, readAt);
    assert.equal(store.snapshot.list.error?.message, 'away');
    registry.failing = undefined;
    registry.models.clear();
    clock.time = clock.fire();
    await settled();
    assert.deepEqual(store.snapshot.list.value, { items: [] });
    assert.equal(store.snapshot.list.error, undefined);
  });

  it('reads versions when they are asked for, keeps them fresh, and adds pages', async () => {
    registry.add('long', 230);
    await store.refresh();
    assert.equal(store.versions('long').value, undefined);
    await store.loadVersions('long');
    await store.loadVersions('long');
    await store.loadMoreVersions('long');
    assert.equal(store.versions('long').value?.items.length, 200);
    registry.asked.length = 0;
    registry.add('long', 231);
    await store.refresh();
    assert.deepEqual(registry.asked, ['models 0+100', 'versions long 0+200']);
    assert.equal(store.versions('long').value?.items[0]?.version, '231');
    store.forgetVersions('long');
    registry.asked.length = 0;
    await store.refresh();
    assert.deepEqual(registry.asked, ['models 0+100']);
  });

  it('shows a moved alias at the model, at its versions and in details, and tells who moved where', async () => {
    await store.loadVersions('m001');
    store.follow(['m001']);
    await store.refresh();
    await store.readDetail('m001', 'champion');
    assert.deepEqual(moved, []);
    registry.alias('m001', 'champion', '2');
    await store.refresh();
    assert.deepEqual(moved, [{ model: 'm001', alias: 'champion', from: '1', to: '2' }]);
    assert.deepEqual(store.versions('m001').value?.items.map(({ version, aliases }) => [version, aliases]), [['2', ['champion']], ['1', []]]);
    assert.deepEqual(store.detail('m001', '1').value?.aliases, []);
    assert.equal(store.resolve('m001', 'champion'), '2');
    assert.equal(store.detail('m001', 'champion').value, undefined, 'the details of the version that it named are not its any more');
  });

  it('keeps details, and forgets those of a version that got other tags', async () => {
    await store.loadVersions('m001');
    await Promise.all([store.readDetail('m001', '1'), store.readDetail('m001', '1')]);
    await store.readDetail('m001', '1');
    assert.equal(registry.asked.filter((each) => each === 'version m001 1').length, 1);
    registry.tag('m001', '1', 'modelswitch.suite', 'pass');
    await store.refresh();
    assert.equal(store.detail('m001', '1').value, undefined);
    assert.deepEqual((await store.readDetail('m001', '1')).tags, { 'modelswitch.suite': 'pass' });
  });

  it('keeps errors of one model apart, and asks again after a minute', async () => {
    registry.failingOn = /^version m001/;
    await store.refresh();
    store.wantDetail('m001', '1');
    store.wantDetail('m002', '1');
    await settled();
    store.wantDetail('m001', '1');
    assert.equal(store.detail('m001', '1').error?.code, 'forbidden');
    assert.equal(store.detail('m002', '1').value?.version, '1');
    assert.equal(store.snapshot.list.error, undefined);
    await assert.rejects(store.readDetail('m001', '1'), { code: 'forbidden' });
    registry.failingOn = undefined;
    const before = registry.asked.length;
    store.wantDetail('m001', '1');
    assert.equal(registry.asked.length, before);
    clock.time += 60_000;
    store.wantDetail('m001', '1');
    await settled();
    assert.equal(store.detail('m001', '1').value?.version, '1');
  });

  it('tells a version or alias that does not exist from one that was not asked for', async () => {
    await store.refresh();
    assert.deepEqual(store.detail('m001', '99'), { loading: false });
    store.wantDetail('m001', '99');
    store.wantDetail('m001', 'challenger');
    await settled();
    assert.equal(store.detail('m001', '99').error?.code, 'notFound');
    assert.equal(store.detail('m001', 'challenger').error?.code, 'notFound');
    assert.equal(store.resolve('m001', 'challenger'), undefined);
  });

  it('moves an alias as the port does, and reads the model again after a conflict', async () => {
    await store.refresh();
    assert.deepEqual(await store.setAlias('m001', 'champion', '2', '1'), { model: 'm001', alias: 'champion', from: '1', to: '2' });
    assert.equal(store.resolve('m001', 'champion'), '2');
    registry.alias('m001', 'champion', '1');
    await assert.rejects(store.setAlias('m001', 'champion', undefined, '2'), { code: 'conflict' });
    assert.equal(store.resolve('m001', 'champion'), '1');
  });

  it('shows a moved alias though a list, or the model, was read before it was moved and is answered after', async () => {
    await store.refresh();
    for (const [begin, reader, to, from] of [[() => store.refresh(), 'listModels', '2', '1'], [() => { store.follow(['m249']); return Promise.resolve(); }, 'readModel', '2', '1']] as const) {
      let answer = (): void => undefined;
      const held = new Promise<void>((resolve) => { answer = resolve; });
      const read = registry[reader].bind(registry) as (...asked: never[]) => Promise<unknown>;
      const late = async (...asked: never[]): Promise<unknown> => {
        Object.assign(registry, { [reader]: read });
        const found = await read(...asked);
        await held;
        return found;
      };
      Object.assign(registry, { [reader]: late });
      const model = reader === 'listModels' ? 'm001' : 'm249';
      const reading = begin();
      await settled();
      const moving = store.setAlias(model, 'champion', to, from);
      await settled();
      answer();
      await moving;
      assert.equal(store.resolve(model, 'champion'), '2', reader);
      await reading;
      await settled();
      assert.equal(store.resolve(model, 'champion'), '2', `${reader}, when all is read`);
    }
  });

  it('is silent once it is disposed', async () => {
    const running = store.refresh();
    let changes = 0;
    store.onDidChange(() => (changes += 1));
    store.dispose();
    await running;
    assert.equal(changes, 0);
    assert.equal(clock.timers.length, 0);
    assert.equal(registry.closed, true);
  });

  it('gives every listener an immutable snapshot', async () => {
    await store.refresh();
    const before = store.snapshot;
    const models: readonly RegisteredModel[] = before.list.value?.items ?? [];
    registry.alias('m000', 'champion', '2');
    await store.refresh();
    assert.equal(models[0]?.aliases[0]?.version, '1');
    const detail: VersionDetail = await store.readDetail('m000', '2');
    assert.equal(before.details.size, 0);
    assert.deepEqual(detail.aliases, ['champion']);
  });
});
