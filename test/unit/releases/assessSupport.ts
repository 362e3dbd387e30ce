import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { planStart } from '../../../src/core/flags/startRollout.ts';
import { pin } from '../../../src/core/flags/titles.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import { NO_NOTES, type QualityData, type QualityWindow } from '../../../src/core/quality/window.ts';
import { assessRelease, type ReleaseAssessment, type ReleaseLook } from '../../../src/core/releases/assessment.ts';
import { planAdvance } from '../../../src/core/releases/stageChange.ts';
import type { ModelMapping } from '../../../src/core/workspace/config.ts';
import type { Stage } from '../../../src/core/workspace/plan.ts';
import { stage, World } from './worldSupport.ts';

const nowhere = { start: { offset: 0, line: 0, column: 0 }, end: { offset: 0, line: 0, column: 0 } };
export const PLAN: readonly Stage[] = [
  stage('development', 100), stage('production', 5, { gates: ['statistics'] }), stage('production', 25, { gates: ['statistics'], hold: 3_600_000, minPredictions: 2000 }), stage('production', 100),
];
export const QUALITY = readQuality({ source: { log: 'x.jsonl' }, guardrails: [{ name: 'errors', bad: 'error', max_ratio: 1.2, limit: 0.2 }], window: '5min' }).quality!;
export const MINUTE = 60_000;

export function model(more: Partial<ModelMapping> = {}): ModelMapping {
  return { name: 'fraud', switches: [{ flag: 'fraud', on: 'candidate', off: 'current', range: nowhere }], current: 'champion', candidate: 'challenger', range: nowhere, plan: PLAN, quality: QUALITY, ...more };
}

/** A release that was started and advanced so many times. */
export function released(times: number, plan = PLAN): World {
  const world = new World();
  world.apply(planStart(world.reading(), { environments: ['development', 'production'], pin: pin('fraud', '14', '13') }));
  for (let count = 0; count < times; count += 1) world.apply(planAdvance(plan, world.reading()).change);
  return world;
}

export const lastEvent = (world: World): number => Date.parse(world.events.at(-1)!.createdAt);

interface Traffic {
  readonly start: number;
  readonly count?: number;
  readonly share?: number;
  readonly candidateErrors?: number;
  readonly currentErrors?: number;
  readonly service?: string;
  readonly perWindow?: number;
}

/** Windows with exactly the rates that are asked for; each unit asks once. */
export function windows({ start, count = 12, share = 0.25, candidateErrors = 0.02, currentErrors = 0.02, service = 'credit', perWindow = 4000 }: Traffic): QualityWindow[] {
  const first = Math.ceil(start / (5 * MINUTE)) * 5 * MINUTE;
  return Array.from({ length: count }, () => [['candidate', share, candidateErrors], ['current', 1 - share, currentErrors]] as const).flatMap((arms, index) => arms.map(([arm, part, rate]): QualityWindow => {
    const n = Math.round(perWindow * part);
    const bad = Math.round(n * rate);
    return { arm, environment: 'production', service, start: first + index * 5 * MINUTE, end: first + (index + 1) * 5 * MINUTE, requests: n, units: n, metrics: { errors: { n, sum: bad, squares: bad } } };
  }));
}

export function data(all: readonly QualityWindow[], versions: Readonly<Record<string, string>> = { candidate: '14', current: '13' }): QualityData {
  const nothing = { edges: [], counts: [] };
  const lastOf = (name: string): number => all.reduce((last, { arm, requests, end }) => (arm === name && requests > 0 ? Math.max(last, end) : last), 1) - 1;
  return {
    windows: all, notes: NO_NOTES,
    arms: ['candidate', 'current'].map((arm) => [arm, lastOf(arm)] as const).map(([arm, lastSeen]) => ({
      arm, environment: 'production', requests: 1, units: 1, lastSeen, unitSums: {}, latency: nothing, score: nothing, labelledScore: nothing, scoreOfPositives: nothing, features: [], matured: 0, labelled: 0,
      versions: [{ version: versions[arm] ?? '', first: 0, last: lastSeen, requests: 1 }],
    })),
  };
}

export function assess(world: World, all: readonly QualityWindow[], more: Partial<ReleaseLook> = {}): ReleaseAssessment {
  const now = all.reduce((last, { end }) => Math.max(last, end), lastEvent(world));
  const assessment = assessRelease({
    now, model: model(), reading: world.reading(), quality: { kind: 'data', data: data(all) }, gates: [], moved: [], sha256: (text) => createHash('sha256').update(text).digest('hex'), ...more,
  });
  return assessment ?? assert.fail('nothing was assessed');
}
