import { AppError, toAppError } from '../base/errors.ts';
import type { RegistryView } from './mapping.ts';
import type { RegisteredModel, VersionDetail } from './model.ts';
import type { Reading } from './modelSnapshot.ts';
import type { ModelRegistry } from './registry.ts';

type Asked = Pick<ModelRegistry, 'readModel' | 'readVersion'>;

/**
 * A view of just these versions, read now. A failure is part of the view; nothing is asked when nothing is wanted.
 * @throws AppError cancelled
 */
export async function readView(open: () => Promise<Asked>, wanted: readonly { readonly model: string; readonly name: string }[], signal?: AbortSignal): Promise<RegistryView> {
  const reading = async <T>(work: (registry: Asked) => Promise<T>): Promise<Reading<T>> => {
    try {
      return { value: await work(await open()), loading: false };
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code === 'cancelled') throw error;
      return { error, loading: false };
    }
  };
  const [models, details] = await Promise.all([
    Promise.all([...new Set(wanted.map(({ model }) => model))].map(async (model): Promise<[string, Reading<RegisteredModel>]> => [model, await reading((registry) => registry.readModel(model, signal))])),
    Promise.all(wanted.map(async ({ model, name }): Promise<[string, Reading<VersionDetail>]> => [JSON.stringify([model, name]), await reading((registry) => registry.readVersion(model, name, signal))])),
  ]);
  const [byModel, byName] = [new Map(models), new Map(details)];
  const unread = { error: new AppError('internal', 'It was not read.'), loading: false };
  return {
    model: (model) => byModel.get(model) ?? unread,
    detail: (model, name) => byName.get(JSON.stringify([model, name])) ?? unread,
    resolve: (model, name) => byName.get(JSON.stringify([model, name]))?.value?.version ?? byModel.get(model)?.value?.aliases.find(({ alias }) => alias === name)?.version,
  };
}
