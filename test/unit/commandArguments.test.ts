import assert from 'node:assert/strict';
import { parsedArguments } from '../../src/cli/arguments.ts';
import { compare } from '../../src/cli/commands/models.ts';
import { compareReleased, drift, quality, shadow } from '../../src/cli/commands/quality.ts';
import type { CliContext } from '../../src/cli/context.ts';

describe('what stands on a command line', () => {
  const context = (options: CliContext['options'], ...operands: string[]): CliContext => ({ options, operands, env: {}, cwd: '/nowhere', signal: new AbortController().signal, write: () => undefined, own: {}, warn: () => undefined, progress: () => undefined });

  it('is told in words where an option is none', () => {
    const options = { model: { type: 'string' }, json: { type: 'boolean' } } as const;
    assert.deepEqual({ ...parsedArguments(['quality', '--model', 'fraud'], options).values }, { model: 'fraud' });
    assert.throws(() => parsedArguments(['quality', '--modle', 'fraud'], options), { code: 'validation', message: 'There is no option --modle. Did you mean "--model"?' });
    assert.throws(() => parsedArguments(['quality', '-x'], options), { code: 'validation', message: 'There is no option -x.' });
    assert.throws(() => parsedArguments(['quality', '--model'], options), { code: 'validation', message: /--model.*argument missing/ });
  });

  const refused: readonly (readonly [name: string, run: (given: CliContext) => Promise<number>, given: CliContext, message: RegExp])[] = [
    ['quality', quality.run.bind(quality), context({}, 'extra'), /^quality takes no "extra"; a model is named by --model\.$/],
    ['quality', quality.run.bind(quality), context({ flag: 'x' }), /^quality does not go by --flag: /],
    ['drift', drift.run.bind(drift), context({ percent: '5' }), /^drift does not go by --percent: /],
    ['shadow', shadow.run.bind(shadow), context({ json: true, markdown: true }), /^Give --json or --markdown, not both\.$/],
    ['shadow', (given) => Promise.resolve().then(() => shadow.run(given)), context({ percent: '5', model: 'fraud' }), /^shadow with --on, --off or --percent does not go by --model: leave it out\. `modelswitch shadow --help` tells its options\.$/],
    ['compare', compareReleased, context({ 'dry-run': true }), /^compare does not go by --dry-run: /],
    ['compare', (given) => Promise.resolve().then(() => compare.run(given)), context({}, 'fraud'), /^V1 and V2 are missing: compare fraud V1 V2 .*; compare --model fraud /],
    ['compare of a model and one version', (given) => Promise.resolve().then(() => compare.run(given)), context({ model: 'fraud' }, '14'), /^V1 and V2 are missing: compare fraud V1 V2 .*; compare --model fraud /],
  ];
  for (const [name, run, given, message] of refused) {
    it(`${name} refuses what it does not go by: ${String(message)}`, async () => {
      await assert.rejects(run(given), { code: 'validation', message });
    });
  }
});
