import { isAbsolute, relative, resolve } from 'node:path';
import { AppError } from '../../core/base/errors.ts';
import type { RegistryKind } from '../registries.ts';
import { RegistryFileRegistry } from './registryFileRegistry.ts';

/** A registry file of the repository. It is written to, so a path that leads out of the folder is refused. */
export const registryFileKind: RegistryKind = {
  open({ location }, { folder }) {
    const path = resolve(folder, location);
    const inside = relative(folder, path);
    if (inside.startsWith('..') || isAbsolute(inside)) throw new AppError('validation', `The registry file ${location} is outside of the folder: move it into the repository.`, { reason: 'outside' });
    return new RegistryFileRegistry({ path, folder });
  },
};
