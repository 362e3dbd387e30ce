import { AppError } from '../base/errors.ts';
import type { RegisteredModel } from './model.ts';
import type { AliasChange } from './registry.ts';

/**
 * The change that moving an alias comes to.
 * @throws AppError conflict when the alias does not name what the caller last saw; data.now is what it names
 */
export function checkExpected(model: Pick<RegisteredModel, 'name' | 'aliases'>, alias: string, version: string | undefined, expected: string | undefined): AliasChange {
  const now = model.aliases.find((entry) => entry.alias === alias)?.version;
  if (now !== expected) {
    const words = (value: string | undefined): string => (value === undefined ? 'no version' : `version ${value}`);
    throw new AppError('conflict', `Somebody moved the alias ${alias} of ${model.name}: it names ${words(now)} now, not ${words(expected)}; nothing was written.`, { reason: 'compareAndSet', now });
  }
  return { model: model.name, alias, from: now, to: version };
}
