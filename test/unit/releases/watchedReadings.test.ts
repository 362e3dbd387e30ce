import assert from 'node:assert/strict';
import { COUNTERS_EVERY_LOOKS, WatchedReadings } from '../../../src/adapters/releases/watchedReadings.ts';
import type { FlagReading } from '../../../src/core/flags/planning.ts';
import type { EventPoll, FlagEvent, SegmentPoll } from '../../../src/core/flags/ports.ts';
import { World } from './worldSupport.ts';

const event = (id: number, flag: string | undefined, type = 'feature-strategy-update'): FlagEvent => ({ id, type, createdAt: '2026-03-02T10:00:00Z', by: 'alice', byId: 1, ...(flag === undefined ? {} : { flag }) });

/** A server whose log is this, newest first. */
class Server {
  log: FlagEvent[] = [event(1, 'a')];
  segments = 1;
  isDown = false;
  now = 0;
  asked: string[] = [];
  readonly family: Record<string, readonly string[]> = {};

  readonly watched = new WatchedReadings({
    pollEvents: (limit, etag): Promise<EventPoll> => this.#told(() => {
      const own = `${this.log.length} ${this.log[0]?.id ?? 0}`;
      return etag === own ? { changed: false } : { changed: true, etag: own, page: { events: this.log.slice(0, limit), total: this.log.length } };
    }),
    pollSegments: (etag): Promise<SegmentPoll> => this.#told(() => (etag === String(this.segments) ? { changed: false } : { changed: true, segments: [], etag: String(this.segments) })),
    readExposures: (flag) => this.#told(() => {
      this.asked.push(`counters ${flag}`);
      return [];
    }),
  }, { read: (_project, flag) => this.#told(() => this.#reading(flag)) }, 'default', () => this.now);

  #reading(flag: string): FlagReading {
    this.asked.push(flag);
    return { ...new World().reading(), family: { parents: (this.family[flag] ?? []).map((name) => ({ flag: name, detail: undefined })), children: [], unread: [] } };
  }

  #told<T>(answer: () => T): Promise<T> {
    return this.isDown ? Promise.reject(new Error('down')) : Promise.resolve(answer());
  }

  /** One round over the flags: what it read. */
  async round(...flags: string[]): Promise<string> {
    this.asked = [];
    await this.watched.begin();
    for (const flag of flags) await this.watched.read(flag).catch(() => undefined);
    return this.asked.join(' ');
  }
}

describe('what a watch need not read again', () => {
  it('is what nobody has changed', async () => {
    const server = new Server();
    assert.equal(await server.round('a', 'b', 'c'), 'a b c');
    assert.equal(await server.round('a', 'b', 'c'), '');
    server.log.unshift(event(3, 'other'), event(2, 'b'));
    assert.equal(await server.round('a', 'b', 'c'), 'b');
    assert.equal(await server.round('a', 'b', 'c'), '');
  });

  it('is no flag whose event came after that of a later one', async () => {
    const server = new Server();
    await server.round('a', 'b');
    server.log.unshift(event(3, 'other'));
    assert.equal(await server.round('a', 'b'), '');
    server.log = [event(3, 'other'), event(2, 'b'), event(1, 'a')];
    assert.equal(await server.round('a', 'b'), 'b');
  });

  it('is nothing where the log does not say what happened: edited segments, an unknown event, more events than a page, a log that began anew', async () => {
    const server = new Server();
    await server.round('a', 'b');
    server.segments += 1;
    assert.equal(await server.round('a', 'b'), 'a b');
    server.log.unshift(event(4, undefined, 'nobody-knows-this'));
    assert.equal(await server.round('a', 'b'), 'a b');
    server.log.unshift(...Array.from({ length: 150 }, (_, index) => event(200 - index, 'other')));
    assert.equal(await server.round('a', 'b'), 'a b');
    server.log = [event(2, 'other')];
    assert.equal(await server.round('a', 'b'), 'a b');
    assert.equal(await server.round('a', 'b'), '');
  });

  it('is no flag whose parent was changed', async () => {
    const server = new Server();
    server.family['a'] = ['parent'];
    await server.round('a', 'b');
    server.log.unshift(event(2, 'parent'));
    assert.equal(await server.round('a', 'b'), 'a');
  });

  it('is nothing after a round in which the server did not answer', async () => {
    const server = new Server();
    await server.round('a');
    server.isDown = true;
    await server.round('a');
    server.isDown = false;
    assert.equal(await server.round('a'), 'a');
  });

  it('is a counter for some looks, but not where one arm is quiet while another is not', async () => {
    const server = new Server();
    const look = async (candidate: number, current: number): Promise<boolean> => {
      await server.round();
      server.watched.heard('a', [{ environment: 'production', arm: 'candidate', lastSeen: candidate }, { environment: 'production', arm: 'current', lastSeen: current }]);
      await server.watched.exposures('a');
      return server.asked.includes('counters a');
    };
    assert.equal(await look(1, 1), true);
    const idle: boolean[] = [];
    for (let time = 2; time < 2 + COUNTERS_EVERY_LOOKS; time += 1) idle.push(await look(time, time));
    assert.deepEqual(idle, [false, false, false, false, true]);
    assert.deepEqual([await look(6, 8), await look(6, 9), await look(10, 10)], [true, true, false]);
    // One that went an hour ago is no news; when nothing is told at all, both may be silent.
    assert.equal(await look(10, 4_000_000), false);
    assert.equal(await look(10, 4_000_000), true);
    assert.equal(await look(4_000_001, 4_000_001), false);
    server.now += 5 * 60_000;
    assert.equal(await look(4_000_002, 4_000_002), true, 'a watch that looks seldom reads them each time');
  });
});
