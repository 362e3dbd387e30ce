import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import type { Group } from '../../../src/core/quality/groups.ts';
import { HashSlots, RecordColumns } from '../../../src/core/quality/hashSlots.ts';
import { hash53 } from '../../../src/core/quality/hashing.ts';
import { Outcomes } from '../../../src/core/quality/outcomes.ts';
import { seeded } from '../../support/guardSimulation.ts';
import { START } from '../../support/qualityRecords.ts';

const MOST = 1000;
const HOUR = 3_600_000;

describe('places for hashes', () => {
  it('are those of a map, however hashes come and go', () => {
    // Few and large ones, of which many stand at the same place of the table.
    const hash = fc.integer({ min: 1, max: 40 }).map((number) => 1 + (number % 8) * 2048 + Math.floor(number / 8) * 2 ** 40);
    fc.assert(fc.property(fc.array(fc.tuple(hash, fc.boolean()), { maxLength: 300 }), (steps) => {
      const slots = new HashSlots();
      const known = new Map<number, number>();
      for (const [each, isAdded] of steps) {
        if (!isAdded) slots.delete(each);
        else if (!known.has(each)) known.set(each, slots.add(each));
        if (!isAdded) known.delete(each);
        assert.equal(slots.size, known.size);
        for (const [other, place] of known) assert.equal(slots.find(other), place);
        assert.equal(slots.find(each), known.get(each) ?? -1);
      }
      assert.deepEqual([...slots].sort((a, b) => a - b), [...known.keys()].sort((a, b) => a - b));
      assert.equal(new Set(known.values()).size, known.size);
    }), { seed: 20_261_130, numRuns: 300 });
  });

  it('grow with what is in them', () => {
    const slots = new HashSlots();
    const places = Array.from({ length: 50_000 }, (_, index) => slots.add(hash53(`r-${index}`)));
    assert.deepEqual(places.map((_, index) => slots.find(hash53(`r-${index}`))), places);
  });

  it('hold any value of a field', () => {
    const columns = new RecordColumns(['a', 'b']);
    const records = [{ a: 1, b: 'x' }, { a: null, b: 2 }, { a: Number.NaN, b: false }, { a: undefined, b: Infinity }, { a: { c: 1 }, b: 0 }];
    for (const [place, record] of [...records, ...records].entries()) columns.set(place % 7, record);
    for (const [place, record] of [[5, 0], [6, 1], [0, 2], [1, 3], [2, 4], [3, 3], [4, 4]] as const) assert.deepEqual(columns.get(place), records[record]);
  });
});

describe('outcomes', () => {
  const group = { number: 0 } as Group;
  const record = { score: 0.5, proba: undefined, label: undefined };

  class World {
    readonly counted = { n: 0, sum: 0, matured: 0 };
    outcomes: Outcomes;
    readonly #begin: () => Outcomes;
    now = START;

    constructor(labels: Record<string, unknown> = {}) {
      const { quality, problems } = readQuality({ signals: [{ name: 'conversion', mean: 'converted' }], labels: { field: 'converted', mature_after: '1h', ...labels }, window: '1min', source: { log: 'x' } });
      assert.deepEqual(problems, []);
      const absent = quality?.labels.absentMeans;
      this.#begin = () => new Outcomes(quality ?? assert.fail(), { kept: ['score', 'id'], outcome: ['converted'], label: 'converted' }, {
        settled: ({ record: { score, id }, unitHash, at }, told, isNew) => {
          if (told !== undefined) assert.ok(told.at >= at && (told.at - Number(id) - START) % (2 * HOUR) === 0, `${told.at}`);
          assert.deepEqual([score, unitHash], [0.5, 7]);
          this.counted.n += 1;
          this.counted.sum += Number(told === undefined ? absent : told.outcome['converted']);
          this.counted.matured += Number(isNew);
        },
        changed: (_, before, told) => void (this.counted.sum += Number(told.outcome['converted']) - Number(before === undefined ? absent : before.outcome['converted'])),
        matured: () => void (this.counted.matured += 1),
      }, MOST);
      this.outcomes = this.#begin();
    }

    /** Goes on from what was saved. */
    restarts(): void {
      const saved = this.outcomes.saved;
      this.outcomes = this.#begin();
      this.outcomes.restore(saved, [group]);
    }

    predicted(id: number): void {
      this.outcomes.wait(hash53(`r-${id}`), undefined, { record: { ...record, id }, group, slices: [], unitHash: 7, at: this.now });
    }

    known(id: number, converted: number): void {
      this.outcomes.add(hash53(`r-${id}`), { converted }, this.now + id);
    }

    /** Two hours go by. */
    matures(): void {
      this.now += 2 * HOUR;
      this.outcomes.settle(this.now);
    }
  }

  it('are forgotten, the oldest first, where hashes are as somebody chose them, so that drawing would drop none', () => {
    const { quality } = readQuality({ signals: [{ name: 'conversion', mean: 'converted' }], labels: { field: 'converted', mature_after: '1h' }, window: '1min', source: { log: 'x' } });
    let settled = 0;
    const outcomes = new Outcomes(quality ?? assert.fail(), { kept: ['score'], outcome: ['converted'], label: 'converted' }, { settled: () => void (settled += 1), changed: () => undefined, matured: () => undefined }, 10);
    for (let request = 1; request <= 50; request += 1) outcomes.wait(request, { converted: 1 }, { record: { score: 0.5 }, group, slices: [], unitHash: 7, at: START + request * 60_000 });
    for (let request = 1001; request <= 1050; request += 1) outcomes.add(request, { converted: 1 }, START);
    outcomes.settle(START + 10 * HOUR);
    assert.deepEqual([settled, outcomes.withoutPrediction], [10, 50]);
  });

  const ORDERS: Readonly<Record<string, (world: World, count: number, converts: (id: number) => boolean) => void>> = {
    'before their predictions': (world, count, converts) => {
      for (let id = 0; id < count; id += 1) if (converts(id)) world.known(id, 1);
      for (let id = 0; id < count; id += 1) world.predicted(id);
    },
    'after their predictions': (world, count, converts) => {
      for (let id = 0; id < count; id += 1) world.predicted(id);
      for (let id = 0; id < count; id += 1) if (converts(id)) world.known(id, 1);
    },
    'among their predictions': (world, count, converts) => {
      for (let id = 0; id < count; id += 1) {
        world.predicted(id);
        if (id >= 100 && converts(id - 100)) world.known(id - 100, 1);
      }
      for (let id = count - 100; id < count; id += 1) if (converts(id)) world.known(id, 1);
    },
  };
  for (const [order, tell] of Object.entries(ORDERS)) {
    it(`that come ${order} give the same share when there are many more than are kept`, () => {
      const world = new World({ absent_means: 0 });
      const random = seeded(3);
      const converted = new Set(Array.from({ length: 40_000 }, (_, id) => id).filter(() => random() < 0.3));
      tell(world, 40_000, (id) => converted.has(id));
      world.matures();
      const { n, sum } = world.counted;
      assert.ok(world.outcomes.oneIn >= 16 && n > 40_000 / world.outcomes.oneIn - 4 * Math.sqrt(MOST), `${n}, one in ${world.outcomes.oneIn}`);
      assert.ok(n <= MOST && Math.abs(sum / n - 0.3) < 4 * Math.sqrt(0.21 / n), `${sum} of ${n}`);
      assert.equal(world.outcomes.withoutPrediction, 0);
    });
  }

  it('are followed for all again when there is room', () => {
    const world = new World({ absent_means: 0 });
    for (let id = 0; id < 40_000; id += 1) world.predicted(id);
    for (let round = 0; round < 10; round += 1) world.matures();
    const { n } = world.counted;
    for (let id = 50_000; id < 50_500; id += 1) world.predicted(id);
    for (let id = 50_000; id < 50_500; id += 1) world.known(id, 1);
    world.matures();
    assert.deepEqual([world.counted.n - n, world.counted.sum], [500, 500]);
    assert.ok(world.outcomes.oneIn > 1);
  });

  for (const [name, restarts] of [['', false], [', also when what waits was saved', true]] as const) it(`that never come cost those that do nothing${name}`, () => {
    const world = new World();
    for (let round = 0; round < 20; round += 1) {
      for (let id = 0; id < 400; id += 1) world.predicted(round * 400 + id);
      for (let id = 0; id < 400; id += 20) world.known(round * 400 + id, 1);
      world.matures();
      if (restarts) world.restarts();
    }
    assert.deepEqual([world.outcomes.oneIn, world.counted.n, world.counted.matured], [1, 400, 8000]);
    // One of the last ones, late.
    world.known(7999, 1);
    assert.equal(world.counted.n, 401);
  });

  it('may come late, however often what waits was saved', () => {
    const world = new World();
    for (let id = 0; id < 10; id += 1) world.predicted(id);
    for (let round = 0; round < 3; round += 1) {
      world.matures();
      world.restarts();
    }
    for (let id = 0; id < 5; id += 1) world.known(id, 1);
    assert.deepEqual(world.counted, { n: 5, sum: 5, matured: 10 });
  });

  for (const [name, restarts] of [['', false], [', also when what waits was saved', true]] as const) it(`of other models cost those of this one nothing, and are counted${name}`, () => {
    const world = new World();
    for (let round = 0; round < 20; round += 1) {
      for (let id = 0; id < 300; id += 1) world.known(-1 - round * 300 - id, 1);
      for (let id = 0; id < 10; id += 1) world.predicted(round * 10 + id);
      for (let id = 0; id < 10; id += 1) world.known(round * 10 + id, 1);
      world.matures();
      if (restarts) world.restarts();
    }
    assert.deepEqual([world.outcomes.oneIn, world.counted.n, world.outcomes.withoutPrediction], [1, 200, 6000]);
  });
});
