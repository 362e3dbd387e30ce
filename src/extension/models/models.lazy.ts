/** Registries and what shows them; nothing of it is needed before the first of them is shown. */
export { openRegistry } from '../../adapters/registries.ts';
export { ModelStore } from '../../core/models/modelStore.ts';
export { ModelFeature } from './modelFeature.ts';
