import { AppError } from '../../../src/core/base/errors.ts';
import type { Flag, Strategy } from '../../../src/core/flags/model.ts';
import type { RegistryNames } from '../../../src/core/models/mappingProblems.ts';
import type { VersionDetail } from '../../../src/core/models/model.ts';
import type { Reading } from '../../../src/core/models/modelSnapshot.ts';

/** Models with their aliases, and the metrics of their versions. */
export type FakeModels = Readonly<Record<string, { readonly aliases: Readonly<Record<string, string>>; readonly versions: Readonly<Record<string, Readonly<Record<string, number>>>> }>>;

export function versionDetail(model: string, version: string, more: Partial<VersionDetail> = {}): VersionDetail {
  return {
    model, version, aliases: [], status: 'ready', description: '', tags: {}, params: {}, metrics: {}, datasets: [], code: {},
    signature: { kind: 'missing', reason: 'The model was logged without a signature.' }, evidence: {}, gaps: [], ...more,
  };
}

/** What a store of these models says; without models one that has read nothing, or failed. */
export function registryView(models: FakeModels | undefined, error?: AppError): RegistryNames {
  const nothing = { loading: false, ...(error === undefined ? {} : { error }) };
  const gone = { loading: false, error: new AppError('notFound', 'not there') };
  const versionOf = (model: string, name: string): string | undefined => (/^\d+$/.test(name) ? name : models?.[model]?.aliases[name]);
  return {
    names: models && Object.keys(models),
    versionNames: (model) => Object.keys(models?.[model]?.versions ?? {}),
    model: (name) => {
      if (models === undefined) return nothing;
      const found = models[name];
      return found === undefined ? gone : { loading: false, readAt: 1, value: { name, description: '', tags: {}, aliases: Object.entries(found.aliases).map(([alias, version]) => ({ alias, version })) } };
    },
    resolve: versionOf,
    detail: (model, name): Reading<VersionDetail> => {
      if (models === undefined) return nothing;
      const version = versionOf(model, name);
      const metrics = version === undefined ? undefined : models[model]?.versions[version];
      return version === undefined || metrics === undefined ? gone : { loading: false, readAt: 1, value: versionDetail(model, version, { metrics }) };
    },
  };
}

export function flagOf(name: string, production: readonly Strategy[], enabled = true): Flag {
  return {
    name, project: 'default', type: 'release', description: '', stale: false, archived: false, impressionData: false, blockedIn: [],
    environments: [{ name: 'production', type: 'production', enabled, strategies: production }],
  };
}
