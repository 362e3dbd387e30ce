import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogSource } from '../../../src/adapters/predictionLog/logSource.ts';
import { Collector } from '../../../src/core/quality/collector.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { seeded } from '../../support/guardSimulation.ts';
import { lines, records, START } from '../../support/qualityRecords.ts';

const MINUTE = 60_000;
const END = START + 600 * MINUTE;
const PASSED = /^1 predictions had more than 8 outcomes before they came themselves, and the one that counts may not be among those that were kept\. Write outcomes into files of their own/;

/** Where the field refund comes or not is another matter. */
const passedOver = ({ notes }: QualityData): readonly string[] => notes.messages.filter((message) => PASSED.test(message));

describe('many outcomes of one prediction', () => {
  const section = { source: { log: 'predictions-*.jsonl', outcomes: 'outcomes-*.jsonl' }, signals: ['watched', 'refund'].map((name) => ({ name, mean: name })), window: '1min', labels: { field: 'watched', mature_after: '20min' } };
  const definition = readQuality(section).quality ?? assert.fail();
  const [prediction = assert.fail()] = records({ count: 1, share: 0 });
  const told = ({ windows }: QualityData): unknown => windows.map(({ metrics }) => [metrics['watched'], metrics['refund']]);
  const outcome = (minutes: number | undefined, fields: object): object => ({ request_id: prediction.request_id, ...(minutes === undefined ? {} : { ts: new Date(START + minutes * MINUTE).toISOString() }), ...fields });

  function collected(all: readonly object[], isSaved = false): QualityData {
    let collector = new Collector(definition, { flags: ['fraud-v2'] });
    for (const [index, record] of all.entries()) {
      if (isSaved && index % 4 === 3) collector = new Collector(definition, { flags: ['fraud-v2'] }, structuredClone(collector.saved));
      collector.add(record as Record<string, unknown>, () => 'record');
    }
    return collector.data(END, []);
  }

  it('count alike before and after it, or it is said that one may be missing', () => {
    const random = seeded(7);
    let [same, passed] = [0, 0];
    for (let round = 0; round < 60; round += 1) {
      const all = Array.from({ length: 9 + Math.floor(random() * 30) }, () => {
        const which = random();
        return outcome(random() < 0.1 ? undefined : Math.floor(random() * (round % 2 === 0 ? 30 : 400)), { ...(which < 0.7 ? { watched: Math.floor(random() * 50) } : {}), ...(which > 0.4 ? { refund: Math.floor(random() * 50) } : {}) });
      });
      const [before, after] = [collected([...all, prediction]), collected([prediction, ...all])];
      const isSaid = passedOver(before).length > 0;
      if (!isSaid) assert.deepEqual(told(before), told(after), JSON.stringify(all));
      [same, passed] = [same + Number(!isSaid), passed + Number(isSaid)];
      assert.deepEqual(passedOver(after), []);
      if (round % 10 === 0) assert.deepEqual(collected([...all, prediction], true), before, 'also when it was saved');
    }
    assert.ok(same > 20 && passed > 5, `${same} alike, ${passed} said`);
  });

  it('before it are those that count at most moments: the newest, and the first, whatever comes between', () => {
    const steps = Array.from({ length: 40 }, (_, minute) => outcome(minute + 30, { watched: minute }));
    // All of them late: the first counts.
    const late = collected([...steps.toReversed(), prediction]);
    assert.deepEqual([told(late), passedOver(late)], [told(collected([outcome(30, { watched: 0 }), prediction])), []]);
    const early = collected([...steps.map((_, minute) => outcome(minute / 10, { watched: minute })), prediction]);
    assert.deepEqual([told(early), passedOver(early)], [told(collected([outcome(3.9, { watched: 39 }), prediction])), []]);
    const between = collected([...steps.map((_, minute) => outcome(minute, { watched: minute })), prediction]);
    assert.equal(passedOver(between).length, 1);
  });

  describe('in a file of their own', () => {
    let folder: string;
    beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'modelswitch-early-')); });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    it('are read after predictions, whatever the files are called', async () => {
      const all = records({ count: 200 });
      writeFileSync(join(folder, 'predictions-1.jsonl'), lines(all));
      writeFileSync(join(folder, 'outcomes-1.jsonl'), lines(all.flatMap(({ request_id, ts }) => Array.from({ length: 40 }, (_, minute) => ({ request_id, ts: new Date(Date.parse(ts) + minute * MINUTE).toISOString(), watched: minute })))));
      const data = await new LogSource({ folder, flags: ['fraud-v2'], definition }).read({ now: END, signal: new AbortController().signal });
      assert.deepEqual([data.windows.reduce((sum, { metrics }) => sum + (metrics['watched']?.sum ?? 0), 0), passedOver(data)], [20 * 200, []]);
    });
  });
});
