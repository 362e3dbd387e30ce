import { plainLine } from '../../core/base/words.ts';
import type { Lineage } from '../../core/models/lineage.ts';
import { lineageOf } from '../bundle.ts';
import { required, writeJson, type Command } from '../context.ts';
import { openCliRegistry, readConfiguration } from '../registry.ts';

export const lineage: Command = {
  name: 'lineage',
  usage: 'lineage M[@V]',
  summary: 'which commit, data and parameters made a version; what changed',
  async run(context) {
    const { operands, options, signal, write } = context;
    const { model, version } = splitOperand(required(operands[0], 'M'));
    const config = await readConfiguration(context);
    const registry = openCliRegistry(context, config);
    try {
      const mapping = config.models.find(({ name }) => name === model) ?? config.models.find(({ registeredModel }) => registeredModel === model);
      const detail = await registry.readVersion(mapping?.registeredModel ?? model, version ?? mapping?.current ?? 'champion', signal);
      const found = await lineageOf(context, mapping, detail);
      if (options.json === true) writeJson(write, found);
      else write(describe(found));
      return 0;
    } finally {
      registry.close();
    }
  },
};

/** `fraud@14`; a name in a registry may hold an @ itself. */
function splitOperand(operand: string): { model: string; version?: string } {
  const at = operand.lastIndexOf('@');
  return at > 0 && at < operand.length - 1 ? { model: operand.slice(0, at), version: operand.slice(at + 1) } : { model: operand };
}

function describe({ model, version, verdict, reasons, run, commit, data, parameters, code }: Lineage): string {
  const known = commit?.kind === 'known' ? commit.commit : undefined;
  const place = known === undefined ? [] : [`commit ${known.id.slice(0, 10)} (${known.subject}), ${known.behind} behind HEAD${known.ahead > 0 ? `, ${known.ahead} beside it` : ''}`];
  const lines = [
    ...reasons,
    ...run === undefined ? [] : [`run ${run.name} (${run.id})`], ...place,
    ...data.map(({ path, hash, size, state }) => `data ${path}, ${[state, ...hash === undefined ? [] : [hash], ...size === undefined ? [] : [`${size} bytes`]].join(', ')}`),
    ...parameters.map(({ name, then, now, state }) => `parameter ${name}, ${state}: ${then}${state === 'changed' ? ` -> ${now ?? 'gone'}` : ''}`),
    ...code.map(({ path, state }) => `code ${path}, ${state}`),
  ];
  return [`${model} ${version}: ${verdict}`, ...lines].map((line, index) => `${index === 0 ? '' : '  '}${plainLine(line, 400)}\n`).join('');
}
