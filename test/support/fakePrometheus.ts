import assert from 'node:assert/strict';
import { openQualitySource } from '../../src/adapters/quality/open.ts';
import { readQuality } from '../../src/core/quality/definitions.ts';
import type { QualityData } from '../../src/core/quality/window.ts';

export const NOW = Date.parse('2026-03-02T11:00:00Z');

/** Values of a series by minutes, of which there are ten. */
export type Samples = readonly (readonly [minute: number, value: string])[];

export interface FakeSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: Samples;
}

/** Reads a source whose server answers each query with these series, ten minutes in windows of one. `more`: what stands beside the data of every answer. */
export async function readFake(quality: object, prometheus: object, answer: (query: string) => readonly FakeSeries[], more: object = {}): Promise<QualityData> {
  const { quality: definition, problems } = readQuality({ source: { prometheus: { url: 'http://prometheus.test', design_effect: 1, lookback: '10m', ...prometheus } }, window: '1min', ...quality });
  assert.deepEqual(problems, []);
  const fetchLike = (url: string): Promise<Response> => {
    const result = answer(new URL(url).searchParams.get('query') ?? '').map(({ labels, samples }) => ({ metric: labels, values: samples.map(([minute, value]) => [NOW / 1000 - 600 + 60 * minute, value]) }));
    return Promise.resolve(new Response(JSON.stringify({ status: 'success', ...more, data: { resultType: 'matrix', result } }), { headers: { 'content-type': 'application/json' } }));
  };
  const source = openQualitySource(definition ?? assert.fail(), { folder: '/', flags: ['fraud'], environment: 'production', fetch: fetchLike, credentialsFor: () => ({}) });
  return source.read({ now: NOW, signal: new AbortController().signal });
}
