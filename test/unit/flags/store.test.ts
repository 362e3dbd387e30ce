import assert from 'node:assert/strict';
import { AppError } from '../../../src/core/base/errors.ts';
import type { Flag } from '../../../src/core/flags/model.ts';
import type { EventPage, EventPoll, EventQuery, FlagBulkReader, FlagDetail, FlagEvent, SegmentPoll } from '../../../src/core/flags/ports.ts';
import { FlagStore } from '../../../src/core/flags/store.ts';
import { ManualClock } from '../../support/manualClock.ts';
import { INTERNAL, production, rolloutStrategy } from './flagSupport.ts';

/** An Unleash that counts what it is asked, and fails on demand: the store's counts and faults are what is tested. */
class ScriptedReader implements FlagBulkReader {
  readonly asked: string[] = [];
  flags = new Map<string, Flag>();
  log: FlagEvent[] = [];
  failing: AppError | undefined;
  failingOn: RegExp | undefined;
  #note(request: string): void {
    this.asked.push(request);
    if (this.failing !== undefined || this.failingOn?.test(request) === true) throw this.failing ?? new AppError('network', 'down');
  }
  flag(name: string, rollout: number): void {
    this.flags.set(name, {
      name, project: 'default', type: 'release', description: '', stale: false, archived: false, impressionData: false, dependencies: [], blockedIn: [],
      environments: [production(true, rolloutStrategy('a', rollout, { segments: name === 'segmented' ? [1] : [] }))],
    });
  }
  happen(type: string, flag?: string, more: Partial<FlagEvent> = {}): void {
    this.log.unshift({ id: (this.log[0]?.id ?? 0) + 1, type, createdAt: '', by: 'x', byId: 1, ...(flag === undefined ? {} : { flag, project: 'default' }), ...more });
  }
  mostAtOnce = 0;
  #atOnce = 0;
  #held: { name: string; released: Promise<void> } | undefined;
  /** The next reading of this flag is answered, with what is true now, only when it is released. */
  holdFlag(name: string): { release: () => void } {
    let release: () => void = () => undefined;
    this.#held = { name, released: new Promise((resolve) => (release = resolve)) };
    return { release };
  }
  async readFlag(_project: string, name: string): Promise<FlagDetail> {
    this.#note(`flag ${name}`);
    const flag = this.flags.get(name);
    if (flag === undefined) throw new AppError('notFound', `Could not find feature flag with name ${name}`);
    this.#atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
    const held = this.#held?.name === name ? this.#held.released : undefined;
    this.#held = undefined;
    await held;
    await Promise.resolve();
    this.#atOnce -= 1;
    return Promise.resolve({ flag: { ...flag, dependencies: flag.dependencies ?? [] }, exposures: [{ environment: 'production', yes: 1, no: 3 }] });
  }
  segmentsEtag = 'one';
  async readSegments(): Promise<readonly [typeof INTERNAL]> {
    return Promise.resolve([INTERNAL]);
  }
  async pollSegments(etag: string | undefined): Promise<SegmentPoll> {
    this.#note('segments');
    return Promise.resolve(etag === this.segmentsEtag ? { changed: false } : { changed: true, segments: [INTERNAL], etag: this.segmentsEtag });
  }
  async readEvents({ limit, flag, types }: EventQuery): Promise<EventPage> {
    this.#note(`events ${flag ?? types?.join() ?? limit}`);
    const events = this.log.filter((event) => types?.includes(event.type) ?? true).slice(0, limit);
    return Promise.resolve({ events, total: events.length });
  }
  async readEnvironments(): Promise<{ name: string; type: string; enabled: boolean }[]> {
    this.#note('environments');
    return Promise.resolve([{ name: 'production', type: 'production', enabled: true }]);
  }
  async readAllFlags(): Promise<readonly Flag[]> {
    this.#note('all');
    return Promise.resolve([...this.flags.values()]);
  }
  async pollEvents(limit: number, etag: string | undefined): Promise<EventPoll> {
    this.#note(`poll ${limit}`);
    const current = `${this.log.length} ${this.log[0]?.id ?? 0}`;
    return Promise.resolve(etag === current ? { changed: false } : { changed: true, page: { events: this.log.slice(0, limit), total: this.log.length }, etag: current });
  }
}

describe('the flag store', () => {
  let reader: ScriptedReader;
  let clock: ManualClock;
  let store: FlagStore;

  beforeEach(async () => {
    reader = new ScriptedReader();
    clock = new ManualClock();
    reader.flag('fraud', 5);
    reader.flag('segmented', 10);
    reader.happen('feature-created', 'fraud');
    store = new FlagStore({ reader, project: 'default', clock, pollEveryMs: () => 15_000 });
    await store.refresh();
    await store.refresh();
    reader.asked.length = 0;
  });

  const share = (flag: string): string | undefined => store.snapshot?.flags.get(flag)?.environments[0]?.strategies[0]?.parameters['rollout'];

  it('asks one small conditional request when nothing happened', async () => {
    await store.refresh();
    assert.deepEqual(reader.asked, ['poll 50']);
  });

  it('reads only the flags that the log names', async () => {
    reader.flag('fraud', 25);
    reader.happen('feature-strategy-update', 'fraud');
    const changes: (ReadonlySet<string> | undefined)[] = [];
    store.onDidChange(({ flags }) => changes.push(flags));
    await store.refresh();
    assert.deepEqual(reader.asked, ['poll 50', 'flag fraud']);
    assert.equal(share('fraud'), '25');
    assert.deepEqual(changes, [new Set(['fraud'])]);
  });

  it('reads a flag whose event comes after that of a later one', async () => {
    reader.happen('feature-strategy-update', 'elsewhere', { id: 12, project: 'another' });
    await store.refresh();
    const [newest, ...older] = reader.log;
    reader.log = [newest!, { ...newest!, id: 11, flag: 'fraud', project: 'default' }, ...older];
    reader.flag('fraud', 33);
    await store.refresh();
    assert.equal(share('fraud'), '33');
    reader.asked.length = 0;
    await store.refresh();
    assert.deepEqual(reader.asked, ['poll 50']);
  });

  it('reads a flag whose event comes after that of a later one, and after the bulk read', async () => {
    reader.happen('feature-strategy-update', 'elsewhere', { id: 12, project: 'another' });
    const fresh = new FlagStore({ reader, project: 'default', clock, pollEveryMs: () => 15_000 });
    await fresh.refresh();
    const [newest, ...older] = reader.log;
    reader.log = [newest!, { ...newest!, id: 11, flag: 'fraud', project: 'default' }, ...older];
    reader.flag('fraud', 33);
    await fresh.refresh();
    assert.equal(fresh.snapshot?.flags.get('fraud')?.environments[0]?.strategies[0]?.parameters['rollout'], '33');
    fresh.dispose();
  });

  it('reads nothing for events that change no rollout or are of another project', async () => {
    reader.happen('feature-tagged', 'fraud');
    reader.happen('user-created');
    reader.happen('feature-strategy-update', 'other', { project: 'elsewhere' });
    await store.refresh();
    assert.deepEqual(reader.asked, ['poll 50']);
  });

  it('drops archived flags and tells them from unknown ones', async () => {
    reader.flags.delete('fraud');
    reader.happen('feature-archived', 'fraud');
    await store.refresh();
    assert.deepEqual([store.snapshot?.flags.has('fraud'), store.snapshot?.archived.has('fraud'), store.snapshot?.archived.has('never')], [false, true, false]);
    reader.flag('fraud', 1);
    reader.happen('feature-revived', 'fraud');
    await store.refresh();
    assert.deepEqual([store.snapshot?.flags.has('fraud'), store.snapshot?.archived.has('fraud')], [true, false]);
  });

  it('reads segments again after a segment event, and tells the flags that use them', async () => {
    reader.happen('segment-updated');
    reader.segmentsEtag = 'two';
    const changes: (ReadonlySet<string> | undefined)[] = [];
    store.onDidChange(({ flags }) => changes.push(flags));
    await store.refresh();
    assert.deepEqual(reader.asked, ['poll 50', 'segments']);
    assert.deepEqual(changes, [new Set(['segmented'])]);
  });

  it('looks at the segments once a minute: only administrators are shown their events', async () => {
    await store.refresh();
    assert.deepEqual(reader.asked, ['poll 50']);
    clock.time += 60_000;
    await store.refresh();
    await store.refresh();
    assert.deepEqual(reader.asked.slice(1), ['poll 50', 'segments', 'poll 50']);
  });

  for (const [why, happen] of [
    ['an event type that it does not know', (): void => reader.happen('feature-quantum-entangled')],
    ['an unknown event without a flag', (): void => reader.happen('world-ended')],
    ['a gap in the log', (): void => { for (let n = 0; n < 260; n += 1) reader.happen('user-created'); }],
    ['more than 200 changed flags', (): void => { for (let n = 0; n < 201; n += 1) reader.happen('feature-strategy-update', `f${n}`); }],
    ['a log that begins anew', (): void => { reader.log = []; }],
  ] as const) {
    it(`reads everything again after ${why}`, async () => {
      happen();
      await store.refresh();
      assert.ok(reader.asked.includes('all'), reader.asked.join());
    });
  }

  it('reaches back further than one page before it calls it a gap', async () => {
    for (let n = 0; n < 60; n += 1) reader.happen('feature-strategy-update', 'fraud');
    await store.refresh();
    assert.deepEqual(reader.asked, ['poll 50', 'events 201', 'flag fraud']);
  });

  it('keeps the last snapshot when a refresh fails, says why, and backs off', async () => {
    reader.failing = new AppError('network', 'down');
    store.setActive(true);
    await store.refresh();
    assert.deepEqual([store.status, store.error?.message, share('fraud')], ['failed', 'down', '5']);
    const first = clock.fire();
    await store.refresh();
    assert.ok(clock.timers.length === 1 && clock.timers[0]!.at > first);
    reader.failing = undefined;
    await store.refresh();
    assert.deepEqual([store.status, store.error], ['ready', undefined]);
  });

  it('fails as a whole, with nothing left unhandled, when several reads of the first load fail', async () => {
    const fresh = new FlagStore({ reader, project: 'default', clock, pollEveryMs: () => 15_000 });
    reader.failingOn = /environments|dependency/;
    await fresh.refresh();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([fresh.status, fresh.snapshot], ['failed', undefined]);
  });

  it('polls only while active', async () => {
    assert.equal(clock.timers.length, 0);
    store.setActive(true);
    await store.refresh();
    assert.equal(clock.timers.length, 1);
    store.setActive(false);
    assert.equal(clock.timers.length, 0);
  });

  it('asks for the observed share of one flag at most once a minute', async () => {
    await store.observe(['fraud']);
    await store.observe(['fraud']);
    assert.deepEqual(reader.asked, ['flag fraud']);
    assert.deepEqual(store.observed('fraud')?.exposures, [{ environment: 'production', yes: 1, no: 3 }]);
    clock.time += 60_000;
    await store.observe(['fraud']);
    assert.equal(reader.asked.length, 2);
  });

  it('does not let an observation that was begun earlier overwrite what a poll read later', async () => {
    const hold = reader.holdFlag('fraud');
    const observing = store.observe(['fraud']);
    reader.flag('fraud', 90);
    reader.happen('feature-strategy-update', 'fraud');
    await store.refresh();
    hold.release();
    await observing;
    assert.deepEqual([share('fraud'), store.observed('fraud')?.exposures.length], ['90', 1]);
  });

  it('observes a few flags at a time', async () => {
    for (let n = 0; n < 30; n += 1) reader.flag(`f${n}`, 1);
    await store.observe(Array.from({ length: 30 }, (_, n) => `f${n}`));
    assert.deepEqual([reader.asked.length, reader.mostAtOnce <= 4], [30, true]);
  });

  it('reads the children of other flags by themselves after the bulk read, which does not name parents', async () => {
    reader.happen('feature-dependency-added', 'segmented');
    const fresh = new FlagStore({ reader, project: 'default', clock, pollEveryMs: () => 15_000 });
    await fresh.refresh();
    reader.asked.length = 0;
    await fresh.refresh();
    await fresh.refresh();
    assert.deepEqual(reader.asked, ['poll 50', 'flag segmented', 'poll 50']);
  });

  it('tells of every poll, so that ages are shown anew', async () => {
    let polls = 0;
    store.onDidPoll(() => (polls += 1));
    reader.failing = new AppError('network', 'down');
    await store.refresh();
    await store.refresh();
    assert.equal(polls, 2);
  });

  it('finds out why a flag is not there: archived, or never made', async () => {
    reader.failing = new AppError('notFound', 'x', { archived: true });
    await store.observe(['old']);
    reader.failing = new AppError('notFound', 'x', { archived: false });
    await store.observe(['never']);
    assert.deepEqual([...store.snapshot!.archived], ['old']);
  });

  it('keeps the events of a flag until there are new ones', async () => {
    await store.changesOf('fraud');
    await store.changesOf('fraud');
    assert.deepEqual(reader.asked, ['events fraud']);
    reader.happen('feature-strategy-update', 'fraud');
    await store.refresh();
    await store.changesOf('fraud');
    assert.equal(reader.asked.filter((request) => request === 'events fraud').length, 2);
  });

  it('starts with one request of each kind', async () => {
    const fresh = new FlagStore({ reader, project: 'default', clock, pollEveryMs: () => 15_000 });
    await fresh.refresh();
    assert.deepEqual(reader.asked, ['poll 50', 'events feature-dependency-added', 'environments', 'segments', 'all']);
  });
});
