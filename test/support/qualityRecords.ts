import { seeded } from './guardSimulation.ts';

/** A prediction record as services write it. */
export interface PredictionRecord {
  ts: string;
  request_id: string;
  unit_id: string;
  environment: string;
  service: string;
  flag: string;
  assigned_arm: string;
  model_version: string;
  role: string;
  fallback: boolean;
  batch_id: string | null;
  features: { amount: number; age: number; country: string };
  score: number;
  latency_ms: number;
  error: string | null;
}

export interface RecordOptions {
  readonly count: number;
  readonly seed?: number;
  readonly share?: number;
  readonly units?: number;
  readonly candidateErrors?: number;
  readonly currentErrors?: number;
  readonly environment?: string;
  readonly firstId?: number;
}

export const START = Date.parse('2026-03-02T10:00:00Z');

/** Records of sticky users, ten a second, the same for the same seed. */
export function records({ count, seed = 1, share = 0.25, units = 2000, candidateErrors = 0.02, currentErrors = 0.02, environment = 'production', firstId = 0 }: RecordOptions): PredictionRecord[] {
  const random = seeded(seed);
  return Array.from({ length: count }, (_, index) => {
    const unit = Math.floor(random() * units);
    const isCandidate = ((unit * 7919) % 10_007) / 10_007 < share;
    const isError = random() < (isCandidate ? candidateErrors : currentErrors);
    return {
      ts: new Date(START + index * 100).toISOString(), request_id: `r-${firstId + index}`, unit_id: `u-${unit}`, environment, service: 'credit', flag: 'fraud-v2',
      assigned_arm: isCandidate ? 'candidate' : 'current', model_version: isCandidate ? '14' : '13', role: 'serving', fallback: false, batch_id: null,
      features: { amount: Math.round(random() * 100_000) / 100, age: 18 + Math.floor(random() * 60), country: ['DE', 'FR', 'US'][Math.floor(random() * 3)] ?? 'DE' },
      score: Math.round(random() * 1e4) / 1e4, latency_ms: Math.round(random() * 10_000) / 100, error: isError ? 'timeout' : null,
    };
  });
}

/** The same, but from `before` milliseconds ago on: by default within the window of drift. */
export function recordsOfToday(options: RecordOptions, before = 3_600_000): PredictionRecord[] {
  const from = Date.now() - before;
  return records(options).map((record, index) => ({ ...record, ts: new Date(from + 100 * index).toISOString() }));
}

export const lines = (all: readonly object[]): string => all.map((record) => `${JSON.stringify(record)}\n`).join('');

/** The same as CSV, features as columns of their own. */
export function csv(all: readonly PredictionRecord[]): string {
  const flat = all.map(({ features, ...rest }) => ({ ...rest, ...Object.fromEntries(Object.entries(features).map(([key, value]) => [`features.${key}`, value])) }));
  const columns = Object.keys(flat[0] ?? {});
  const field = (value: unknown): string => (value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value));
  return `${columns.join(',')}\n${flat.map((row) => columns.map((column) => field((row as Record<string, unknown>)[column])).join(',')).join('\n')}\n`;
}
