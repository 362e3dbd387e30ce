/** Registries, what shows them, and what releases by them compute: nothing of it is needed before the first of them is. One bundle, for all parse YAML by schemas. */
export { openRegistry } from '../../adapters/registries.ts';
export { ModelStore } from '../../core/models/modelStore.ts';
export { ModelFeature } from './modelFeature.ts';
export { PROMOTION_GATES } from '../../core/releases/promotionGates.ts';
export { gateSubject, passGates } from '../../core/releases/gates.ts';
export { repinRelease, startRelease } from '../releases/startFlow.ts';
