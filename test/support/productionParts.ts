import assert from 'node:assert/strict';
import type { ProductionPart, QualityData } from '../../src/core/quality/window.ts';

/** What drift is measured of: an arm in the window. */
export function partOf({ production }: QualityData, arm: string, environment = 'production'): ProductionPart {
  return production?.parts.find((part) => part.arm === arm && part.environment === environment) ?? assert.fail(`nothing of ${arm} in ${production?.name ?? 'no window'}`);
}
