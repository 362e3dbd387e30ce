import type { FieldTypes } from '../expressions/expression.ts';

/** What a prediction record holds by itself; every other field is one of the outcome. */
export const RECORD_FIELDS: FieldTypes['fields'] = {
  ts: 'any', request_id: 'text', unit_id: 'text', environment: 'text', service: 'text', app_version: 'text', flag: 'text', assigned_arm: 'text', model_version: 'text',
  role: 'text', fallback: 'boolean', batch_id: 'text', features: 'open', score: 'number', proba: 'any', label: 'any', latency_ms: 'number', error: 'text',
};
