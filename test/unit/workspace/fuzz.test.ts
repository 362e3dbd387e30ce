import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';
import type { WorkspaceFile } from '../../../src/core/workspace/config.ts';
import { loadWorkspaceFile } from '../../../src/core/workspace/load.ts';
import { semanticProblems } from '../../../src/core/workspace/semantics.ts';
import { fuzzed, TOKENS } from '../../support/fuzz.ts';
import { complaints } from '../../support/fuzzCheck.ts';

/** Of the 100,000 that `scripts/fuzz.ts` reads. */
const INPUTS = 5000;
const MEMORY_MB = 192;
const HANGS_AFTER_MS = 30_000;

/** Reads a text in a thread of its own that has little memory and is ended when it hangs. */
function readConfined(text: string): Promise<WorkspaceFile> {
  const load = new URL('../../../src/core/workspace/load.ts', import.meta.url).href;
  const code = `const { parentPort, workerData } = require('node:worker_threads');
    import(${JSON.stringify(load)}).then(({ loadWorkspaceFile }) => parentPort.postMessage(loadWorkspaceFile(workerData)));`;
  const worker = new Worker(code, { eval: true, workerData: text, resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB } });
  return new Promise<WorkspaceFile>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('It hangs.')), HANGS_AFTER_MS);
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => clearTimeout(timer));
  }).finally(() => void worker.terminate());
}

describe('modelswitch.yaml from somebody else', () => {
  it(`survives ${INPUTS} seeded mutations: nothing thrown, every range inside the text, plain sentences, no token in them`, function fuzz() {
    this.timeout(180_000);
    const wrong: string[] = [];
    for (let seed = 1; seed <= INPUTS; seed += 1) wrong.push(...complaints(fuzzed(seed)).map((complaint) => `input ${seed}: ${complaint}`));
    assert.deepEqual(wrong.slice(0, 10), []);
  });

  const ten = (line: (index: number) => string): string => Array.from({ length: 10 }, (_, index) => line(index)).join('\n');
  const laughs: Record<string, string> = {
    'lists of lists': `a0: &a0 [lol]\n${ten((index) => `a${index + 1}: &a${index + 1} [${`*a${index},`.repeat(9)}]`)}\n`,
    'mappings of mappings': `a0: &a0 {k: lol}\n${ten((index) => `a${index + 1}: &a${index + 1} {${Array.from({ length: 9 }, (_, key) => `k${key}: *a${index}`).join(', ')}}`)}\n`,
    'merge keys': `a0: &a0 {x: lol}\n${ten((index) => `a${index + 1}: &a${index + 1}\n  <<: *a${index}\n  b${index}: [${`*a${index},`.repeat(9)}]`)}\n`,
    'lists of merge keys': `a0: &a0 {x: lol}\n${ten((index) => `a${index + 1}: &a${index + 1}\n  <<: [${`*a${index},`.repeat(9)}]\n  b${index}: {<<: *a${index}, c: *a${index}}`)}\n`,
    'a long list that many repeat': `version: 1\nmodels:\n  m: &m {switches: [${'1,'.repeat(5000)}]}\n${Array.from({ length: 90 }, (_, index) => `  m${index}: *m`).join('\n')}\n`,
    'a list that contains itself': 'version: 1\nmodels: &a [*a, *a]\n',
    'a mapping that merges itself': 'version: 1\nmodels: &a\n  <<: *a\n  m: *a\n',
  };
  for (const [what, text] of Object.entries(laughs)) {
    it(`refuses aliases that multiply, with a sentence and in little memory: ${what}`, async function laugh() {
      this.timeout(60_000);
      const { config, problems } = await readConfined(text);
      assert.equal(config, undefined);
      assert.ok(problems.some(({ code, message }) => code === 'size' && /alias.*write the values? out/.test(message)), JSON.stringify(problems));
    });
  }

  for (const piece of [']', 'x\n', '- |\n', '* ', '<<: *a\n']) {
    it(`ends with a text of nothing but ${JSON.stringify(piece)}, alone and inside of a list`, async function many() {
      this.timeout(120_000);
      for (const start of ['', 'models: [']) {
        const { config, problems } = await readConfined(start + piece.repeat(Math.floor((250 * 1024) / piece.length)));
        assert.ok(config === undefined && problems.length > 0 && problems.length <= 100, `${problems.length} problems`);
      }
    });
  }

  it('reports tokens wherever they stand, also where nothing else can be read', () => {
    const [token] = TOKENS;
    for (const text of [`# ${token}\nversion: 1\n`, `version: 1\n${token}: x\n`, `version: 1\nmodels: {m: {flag: "${token}"}}\n`, `models: [\n${token}\n`, `version: 1\nmodels: {m: {flag: "curl -H '${token}'"}}`, `version: 1\nmodels: {${token}: {}}`]) {
      const { problems } = loadWorkspaceFile(text);
      const secrets = problems.filter(({ code }) => code === 'secret');
      assert.deepEqual(secrets.map(({ range, severity }) => [severity, text.slice(range.start.offset, range.end.offset).includes(token!)]), [['error', true]], text);
      assert.ok(problems.every(({ message }) => !/[0-9a-f]{16}/.test(message)), JSON.stringify(problems));
    }
  });

  it('does not repeat a token that the server knows nothing of', () => {
    const { config } = loadWorkspaceFile(`version: 1\nunleash: {project: "${TOKENS[0]!}", environment: "${TOKENS[1]!}"}\nmodels: {m: {flag: "${TOKENS[2]!}"}}\n`);
    const problems = semanticProblems(config!, { flags: new Set(['fraud']), projects: ['default'], environments: ['production', '\u202egnp'] });
    assert.equal(problems.length, 3);
    assert.ok(problems.every(({ message }) => !/[0-9a-f]{16}|\u202e/.test(message)), JSON.stringify(problems));
  });

  it('shows names of the file as text, short, and without what reorders or hides', () => {
    const name = `a\u202eb\u200bc\u001b[31m$(trash)[x](command:y)${'z'.repeat(900)}`;
    const { problems } = loadWorkspaceFile(`version: 1\n${JSON.stringify(name)}: 1\nmodels: {${JSON.stringify(name)}: {}}\npersonas: [{name: ${JSON.stringify(name)}}, {name: ${JSON.stringify(name)}}]`);
    assert.deepEqual(problems.map(({ code }) => code), ['unknownKey', 'incomplete', 'duplicate']);
    for (const { message } of problems) assert.ok(message.length < 400 && !/[\p{Cc}\p{Cf}]|\$\(|\]\(/u.test(message), message);
  });
});
