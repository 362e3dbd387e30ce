import assert from 'node:assert/strict';
import { compareArms, type MetricComparison } from '../../../src/core/quality/comparison.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import { readFake, type FakeSeries, type Samples } from '../../support/fakePrometheus.ts';

const QUERIES = { selectors: { total: 'p{arm="$arm"}', bad: 'failed{arm="$arm"}' }, expressions: { total: 'sum(increase(p{arm="$arm"}[$range]))', bad: 'sum(increase(failed{arm="$arm"}[$range]))' } };

/** What is said and decided where counters grow by so much a minute; undefined: there is no such series. */
async function told(form: keyof typeof QUERIES, failed: Readonly<Record<string, number | undefined>>, guardrail: object = {}): Promise<{ readonly messages: readonly string[]; readonly incomplete: string | undefined; readonly metric: MetricComparison }> {
  const guarded = { guardrails: [{ name: 'errors', bad: 'error', ...guardrail }] };
  const data = await readFake(guarded, { queries: { errors: QUERIES[form] }, lookback: '2h' }, (query): readonly FakeSeries[] => {
    const each = query.includes('failed') ? failed[query.includes('candidate') ? 'candidate' : 'current'] : 2000;
    return each === undefined ? [] : [{ labels: { instance: 'a' }, samples: Array.from({ length: 120 }, (_, index): Samples[number] => [index - 109, String(form === 'selectors' ? each * index : each)]) }];
  });
  const [metric = assert.fail()] = compareArms(data, readQuality(guarded).quality ?? assert.fail(), 'production').metrics;
  return { messages: data.notes.messages, incomplete: data.notes.incomplete, metric };
}

const words = (arms: string): string => `Prometheus: no series counts the events of errors (${arms}): there was none yet, or the counter has another name. Let the service make it at 0 when it starts; or, where you know that it exists, write total and bad as expressions, bad as sum(increase(...[$range])) or vector(0).`;

for (const form of ['selectors', 'expressions'] as const) {
  describe(`bad events of a Prometheus of which there is no series, by ${form}`, () => {
    it('lets no release go on: the counter of the candidate may have another name', async () => {
      const { messages, incomplete, metric } = await told(form, { candidate: undefined, current: 40 });
      assert.deepEqual([messages, incomplete], [[words('candidate')], undefined]);
      assert.deepEqual([metric.verdict, metric.because, metric.candidate.value], ['undecided', 'no series counts its events of the candidate (there was none yet, or the counter has another name): let the service make the counter at 0 when it starts', 0]);
    });

    it('lets no release go on where neither arm has one, whatever rate is tolerated', async () => {
      const { messages, metric } = await told(form, {}, { min_rate: 0.01 });
      assert.deepEqual([messages, metric.verdict], [[words('candidate, current')], 'undecided']);
    });

    it('is said of the current version, too, and hides no breach', async () => {
      const { messages, metric } = await told(form, { candidate: 40 });
      assert.deepEqual([messages, metric.verdict], [[words('current')], 'worse']);
    });

    it('is another thing than a counter that stands at 0', async () => {
      const { messages, metric } = await told(form, { candidate: 0, current: 40 });
      assert.deepEqual([messages, metric.verdict], [[], 'not worse']);
    });
  });
}
