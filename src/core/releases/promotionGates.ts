import { compatibilityGate } from './compatibilityGate.ts';
import type { PromotionGate } from './gates.ts';
import { movedAliasGate } from './movedAliasGate.ts';
import { suitesGate } from './suitesGate.ts';

/** What every raise passes before anybody confirms it, in order, in the editor and on the command line. A feature adds its gate here. */
export const PROMOTION_GATES: readonly PromotionGate[] = [suitesGate, compatibilityGate, movedAliasGate];
