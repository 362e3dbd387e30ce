import { compatibilityGate } from './compatibilityGate.ts';
import { configurationGate } from './configurationGate.ts';
import type { PromotionGate } from './gates.ts';
import { latchGate } from './latchGate.ts';
import { movedAliasGate } from './movedAliasGate.ts';
import { suitesGate } from './suitesGate.ts';

/** What every raise passes before anybody confirms it, in order, in the editor and on the command line. A feature adds its gate here. */
export const PROMOTION_GATES: readonly PromotionGate[] = [latchGate, configurationGate, suitesGate, compatibilityGate, movedAliasGate];
