import { resolve } from 'node:path';
import { sleep } from '../node/sleep.ts';
import type { RegistryKind } from '../registries.ts';
import { MlflowDbRegistry } from './mlflowDbRegistry.ts';

/** MLflow's SQLite database by its path. */
export const mlflowDbKind: RegistryKind = {
  open: ({ location, workspace }, { folder }) => new MlflowDbRegistry({ path: resolve(folder, location), workspace, sleep }),
};
