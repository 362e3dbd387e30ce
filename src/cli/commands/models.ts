import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { checkCompatibility } from '../../core/models/compatibility.ts';
import { LOCK_FILE } from '../../core/models/lock.ts';
import { loadContract, type FeatureContract } from '../../core/models/contract.ts';
import type { ModelVersion } from '../../core/models/model.ts';
import type { ModelRegistry, Page, PageRequest } from '../../core/models/registry.ts';
import { compareDetails } from '../../core/models/versionDiff.ts';
import { firstProblem } from '../../core/models/yamlFile.ts';
import type { MeantModels } from '../../core/workspace/concerning.ts';
import type { WorkspaceConfig } from '../../core/workspace/config.ts';
import { lockFindings } from '../bundle.ts';
import { required, type CliContext, type Command } from '../context.ts';
import { compareReleased, FINDINGS } from './quality.ts';
import { featuresNow } from '../gating.ts';
import { openCliRegistry, readConfiguration } from '../registry.ts';

const PAGE = 1000;

async function withRegistry<T>(context: CliContext, work: (registry: ModelRegistry, config: WorkspaceConfig) => Promise<T>, meant?: MeantModels): Promise<T> {
  const config = await readConfiguration(context, meant);
  const registry = openCliRegistry(context, config);
  try {
    return await work(registry, config);
  } finally {
    registry.close();
  }
}

async function all<T>(read: (request: PageRequest) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  for (let page: string | undefined; ;) {
    const found = await read({ page, size: PAGE });
    items.push(...found.items);
    page = found.next;
    if (page === undefined) return items;
  }
}

/** JSON has no NaN and no infinities: they become texts, as MLflow writes them. */
function writeFacts(write: (text: string) => void, value: unknown): void {
  write(`${JSON.stringify(value, (_key, each: unknown) => (typeof each === 'number' && !Number.isFinite(each) ? String(each) : each), 2)}\n`);
}

/** The name in the registry: that of the mapping, where `--model` names one of modelswitch.yaml. */
function registeredName(name: string, config: WorkspaceConfig): string {
  return config.models.find((model) => model.name === name)?.registeredModel ?? name;
}

export const models: Command = {
  name: 'models',
  usage: 'models [--model M]',
  summary: 'registered models; of one, the versions with aliases and status',
  run: (context) => withRegistry(context, async (registry, config) => {
    const { options, signal, write } = context;
    if (options.model !== undefined) {
      const versions = await all((request) => registry.listVersions(registeredName(options.model ?? '', config), request, signal));
      if (options.json === true) writeFacts(write, versions);
      else for (const version of versions) write(`${versionLine(version)}\n`);
      return 0;
    }
    const found = await all((request) => registry.listModels(request, signal));
    if (options.json === true) writeFacts(write, found);
    else for (const { name, aliases, latestVersion } of found) write(`${plainLine(name)}\t${latestVersion === undefined ? 'no versions' : `latest ${plainLine(latestVersion)}`}\t${aliases.map(({ alias, version }) => plainLine(`${alias} ${version}`)).join(', ')}\n`);
    return 0;
  }),
};

function versionLine({ version, status, aliases, createdAt, description }: ModelVersion): string {
  const day = createdAt === undefined ? '' : new Date(createdAt).toISOString().slice(0, 10);
  return [plainLine(version), status, plainLine(aliases.join(', ')), day, plainLine(description)].join('\t').trimEnd();
}

/** @throws AppError validation where a model stands there and no version */
function compareAlone(context: CliContext): Promise<number> {
  const [model] = context.operands;
  if (model === undefined) return compareReleased(context);
  const name = plainLine(context.options.model ?? model);
  throw new AppError('validation', `V1 and V2 are missing: compare ${name} V1 V2 compares two versions; compare --model ${name} compares candidate and current in production.`);
}

export const compare: Command = {
  name: 'compare',
  usage: 'compare M V1 V2 | compare [--model M] [--environment E] [--percent N] [--json | --markdown]',
  summary: 'two versions; without them, candidate and current in production',
  details: `Of the arms: ${FINDINGS}`,
  run: (context) => context.operands.length < 2 ? compareAlone(context) : withRegistry(context, async (registry, config) => {
    const { operands, options, signal, write } = context;
    const model = registeredName(required(operands[0], 'M'), config);
    const [first, second] = [required(operands[1], 'V1'), required(operands[2], 'V2')];
    const [a, b] = await Promise.all([registry.readVersion(model, first, signal), registry.readVersion(model, second, signal)]);
    const difference = compareDetails(a, b);
    if (options.json === true) {
      writeFacts(write, { model, versions: [a, b], ...difference });
      return 0;
    }
    write(`${plainLine(model)} ${plainLine(a.version)} -> ${plainLine(b.version)}\n`);
    for (const { part, name, from, to } of difference.changes) write(`  ${part} ${plainLine(name)}: ${plainLine(from ?? 'none')} -> ${plainLine(to ?? 'none')}\n`);
    if (difference.changes.length === 0) write('  no difference that the registry knows of\n');
    for (const gap of [...a.gaps, ...b.gaps]) write(`  ${plainLine(gap, 300)}\n`);
    return 0;
  }),
};

interface CheckTask {
  readonly model: string;
  readonly registered: string;
  readonly version: string;
  readonly contract: string;
}

/** The mapped models that have a contract, or the one that the options name; none, where there is at least a lock to check. */
function tasks({ options }: CliContext, config: WorkspaceConfig, hasLock: boolean): CheckTask[] {
  const found = config.models.filter(({ name }) => options.model === undefined || options.model === name).flatMap(({ name, registeredModel, candidate, contract }): CheckTask[] => {
    const path = options.contract ?? contract;
    return path === undefined ? [] : [{ model: name, registered: registeredModel ?? name, version: options.version ?? candidate, contract: path }];
  });
  if (found.length > 0 || (hasLock && options.contract === undefined)) return found;
  if (options.model === undefined || options.contract === undefined) {
    throw new AppError('validation', 'Nothing to check: name the contract of a model in modelswitch.yaml (contract: features.yaml), or give --model and --contract.');
  }
  return [{ model: options.model, registered: options.model, version: options.version ?? 'challenger', contract: options.contract }];
}

async function readContract(cwd: string, path: string): Promise<FeatureContract> {
  let text: string;
  try {
    text = await readFile(resolve(cwd, path), 'utf8');
  } catch (error) {
    throw new AppError('validation', `The contract ${path} cannot be read: check the path.`, {}, error);
  }
  const { contract, problems } = loadContract(text);
  if (contract === undefined) throw new AppError('validation', `${path}: ${firstProblem(problems) ?? 'it is empty'}`);
  return contract;
}

/** What of a model says what is checked. */
const CHECKED = ['registered_model', 'candidate', 'contract', 'kind', 'flag', 'provides'];

export const check: Command = {
  name: 'check',
  usage: 'check [--model M] [--contract FILE] [--version V] [--environment E]',
  summary: 'whether candidates fit the application, and all is as locked',
  run: (context) => withRegistry(context, async (registry, config) => {
    const { cwd, options, signal, write } = context;
    const results = [];
    // Asked about one model, nobody wants to hear of the others.
    const findings = options.model === undefined ? await lockFindings({ cwd, signal }, config, registry) : undefined;
    const provided = await featuresNow(context, config);
    for (const { model, registered, version, contract: path } of tasks(context, config, findings !== undefined)) {
      const contract = await readContract(cwd, path);
      const detail = await registry.readVersion(registered, version, signal);
      const { verdict, summary, reasons } = checkCompatibility(contract, detail, provided);
      results.push({
        model, registeredModel: registered, version: detail.version, aliases: detail.aliases, contract: path, verdict, summary,
        reasons: reasons.map(({ verdict: kind, message, range }) => ({ verdict: kind, message, line: range.start.line + 1, column: range.start.column + 1 })),
      });
    }
    if (options.json === true) writeFacts(write, { contracts: results, lock: findings ?? null });
    else {
      for (const { model, version, contract, summary, reasons } of results) {
        write(`${plainLine(model)} ${plainLine(version)}: ${plainLine(summary, 300)}\n`);
        for (const { message, line, column } of reasons) write(`  ${contract}:${line}:${column}  ${plainLine(message, 300)}\n`);
      }
      for (const { severity, message } of findings ?? []) write(`${LOCK_FILE}: ${severity}: ${plainLine(message, 300)}\n`);
      if (findings?.length === 0) write(`${LOCK_FILE}: everything is as locked\n`);
    }
    return results.every(({ verdict }) => verdict === 'compatible') && !findings?.some(({ severity }) => severity === 'error') ? 0 : 1;
  }, { model: context.options.model, keys: CHECKED }),
};
