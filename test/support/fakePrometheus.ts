import assert from 'node:assert/strict';
import { openQualitySource } from '../../src/adapters/quality/open.ts';
import { readQuality } from '../../src/core/quality/definitions.ts';
import type { QualityData, QualitySource } from '../../src/core/quality/window.ts';

export const NOW = Date.parse('2026-03-02T11:00:00Z');

/** Values of a series by minutes, of which there are ten. */
export type Samples = readonly (readonly [minute: number, value: string])[];

export interface FakeSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: Samples;
}

/** A server's answer to a question: series, with the samples of whatever time. */
export type Answering = (query: string) => readonly FakeSeries[];

export interface FakeSource {
  readonly source: QualitySource;
  /** The questions, one after another. */
  readonly asked: URLSearchParams[];
}

/** What a server has of samples in the time that is asked for; seconds since 1970. */
function during(asked: URLSearchParams): (seconds: number) => boolean {
  const [end, range] = [Number(asked.get('time') ?? asked.get('end')), /\[(\d+)s\]$/.exec(asked.get('query') ?? '')];
  const start = asked.get('start') === null ? end - Number(range?.[1] ?? 0) : Number(asked.get('start'));
  return (seconds) => seconds >= start && seconds <= end;
}

/** A source whose server answers each query with these series; it reads ten minutes in windows of one where nothing else is said. `more`: what stands beside the data of every answer; `instead`: an answer of its own. */
export function fakeSource(quality: object, prometheus: object, answer: Answering, more: (asked: URLSearchParams) => object = () => ({}), instead: (asked: URLSearchParams) => Response | undefined = () => undefined): FakeSource {
  const { quality: definition, problems } = readQuality({ source: { prometheus: { url: 'http://prometheus.test', design_effect: 1, lookback: '10m', ...prometheus } }, window: '1min', ...quality });
  assert.deepEqual(problems.filter(({ severity }) => severity === undefined), []);
  const asked: URLSearchParams[] = [];
  const fetchLike = (url: string): Promise<Response> => {
    const own = new URL(url).searchParams;
    asked.push(own);
    const other = instead(own);
    if (other !== undefined) return Promise.resolve(other);
    // As Prometheus does.
    if (Number(own.get('start') ?? 0) > Number(own.get('end') ?? 0)) return Promise.resolve(new Response(JSON.stringify({ status: 'error', errorType: 'bad_data', error: 'end timestamp must not be before start time' }), { status: 400 }));
    const isAsked = during(own);
    const result = answer(own.get('query') ?? '').map(({ labels, samples }) => ({ metric: labels, values: samples.map(([minute, value]) => [NOW / 1000 - 600 + 60 * minute, value] as const).filter(([seconds]) => isAsked(seconds)) })).filter(({ values }) => values.length > 0);
    return Promise.resolve(new Response(JSON.stringify({ status: 'success', ...more(own), data: { resultType: 'matrix', result } }), { headers: { 'content-type': 'application/json' } }));
  };
  return { asked, source: openQualitySource(definition ?? assert.fail(), { folder: '/', flags: ['fraud'], environment: 'production', fetch: fetchLike, credentialsFor: () => ({}) }) };
}

/** One read of such a source. */
export function readFake(quality: object, prometheus: object, answer: Answering, more: object = {}): Promise<QualityData> {
  return fakeSource(quality, prometheus, answer, () => more).source.read({ now: NOW, signal: new AbortController().signal });
}
