import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { plainLine } from '../../core/base/words.ts';
import { LOCK_FILE, lockText, type Bundle } from '../../core/models/lock.ts';
import { repositoryOf } from '../../adapters/lineages.ts';
import { currentBundle } from '../bundle.ts';
import { writeJson, type Command } from '../context.ts';
import { openCliRegistry, readConfiguration } from '../registry.ts';

/** What of a model stands in a lock. */
const LOCKED = ['registered_model', 'current', 'candidate', 'suites'];

export const lock: Command = {
  name: 'lock',
  usage: 'lock',
  summary: `write ${LOCK_FILE}: versions, data, signatures, suites`,
  async run(context) {
    const { options, cwd, signal, write } = context;
    const config = await readConfiguration(context, { keys: LOCKED });
    const registry = openCliRegistry(context, config);
    try {
      const bundle = await currentBundle(context, config, registry);
      if (options['dry-run'] !== true) await writeFile(join(cwd, LOCK_FILE), lockText(bundle));
      if (options.json === true) writeJson(write, bundle);
      else write(options['dry-run'] === true ? lockText(bundle) : await describe(bundle, cwd, signal));
      return 0;
    } finally {
      registry.close();
    }
  },
};

/** One line for each version, and what the lock cannot hold fast. */
async function describe(bundle: Bundle, cwd: string, signal: AbortSignal): Promise<string> {
  const lines = Object.entries(bundle.models).flatMap(([model, { current, candidate }]) => [['current', current] as const, ['candidate', candidate] as const].flatMap(([role, version]) => {
    if (version === undefined) return [];
    const unknown = (['run', 'artifact', 'data', 'signature'] as const).filter((part) => version[part] === undefined);
    return [`${model} ${role} ${version.version}${unknown.length === 0 ? '' : `: the registry has no ${unknown.join(', no ')}`}`];
  }));
  const repository = await repositoryOf(cwd, signal);
  const uncommitted = 'reason' in repository ? [] : (await repository.uncommitted(signal)).filter((file) => file !== LOCK_FILE);
  const [first] = uncommitted;
  if (first !== undefined) lines.push(`Not in the locked commit, because not committed: ${first}${uncommitted.length > 1 ? ` and ${uncommitted.length - 1} more` : ''}.`);
  return `${lines.map((line) => plainLine(line, 300)).join('\n')}\n`;
}
