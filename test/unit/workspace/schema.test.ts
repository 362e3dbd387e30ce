import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { getLanguageService, type LanguageService } from 'yaml-language-server';
import { loadWorkspaceFile } from '../../../src/core/workspace/load.ts';
import { workspaceJsonSchema } from '../../../src/core/workspace/schema.ts';

const committed = readFileSync(new URL('../../../media/schemas/modelswitch.schema.json', import.meta.url), 'utf8');

const GOOD = `# Which model stands behind which flag.
version: 1
unleash: {url: http://localhost:4242, project: default, environment: production}
registry: {mlflow: http://localhost:5000}
models:
  fraud:
    flag: fraud-v2
    registered_model: fraud-detector
    current: champion
    candidate: 14
    suites: [tests/fraud/*.mltest.yaml]
    contract: features.yaml
    quality:
      source: {log: logs/predictions-*.jsonl}
      guardrails:
        - {name: errors, bad: "error", max_ratio: 1.2, min_rate: 0.001}
    plan:
      - {environment: production, percent: 5, hold: 1h}
  ensemble:
    switches:
      - {flag: ensemble-a}
      - {flag: ensemble-b, on: current, off: "13"}
personas:
  - {name: internal tester, userId: "7", properties: {group: internal, age: 33}}
`;

const BAD = `version: 2
unleash:
  url: ftp://localhost
  projekt: default
models:
  fraud:
    flag: 7
  ensemble:
    switches: {flag: a}
personas:
  - {userId: "7"}
`;

let version = 0;
// The language server remembers what it parsed by address and version.
const document = (content: string): TextDocument => TextDocument.create('file:///folder/modelswitch.yaml', 'yaml', (version += 1), content);

/** The text with `|` taken out, and where it stood. */
function cursor(marked: string): { content: string; line: number; character: number } {
  const before = marked.slice(0, marked.indexOf('|')).split('\n');
  return { content: marked.replace('|', ''), line: before.length - 1, character: before.at(-1)!.length };
}

describe('schema of modelswitch.yaml', function () {
  // The language server and its own dependencies load in about half a second, more on a busy machine.
  this.timeout(30_000);
  let service: LanguageService;

  before(() => {
    service = getLanguageService({
      schemaRequestService: (uri) => Promise.reject(new Error(`nothing may be fetched: ${uri}`)),
      workspaceContext: { resolveRelativePath: (path) => path },
    });
    service.configure({
      validate: true,
      hover: true,
      completion: true,
      schemas: [{ uri: 'modelswitch://schema', fileMatch: ['modelswitch.yaml'], schema: JSON.parse(committed) as unknown }],
    });
  });

  const completions = async (marked: string): Promise<string[]> => {
    const { content, line, character } = cursor(marked);
    const found = await service.doComplete(document(content), { line, character }, false);
    return found.items.map((item) => item.label);
  };
  const hover = async (marked: string): Promise<string> => {
    const { content, line, character } = cursor(marked);
    return JSON.stringify((await service.doHover(document(content), { line, character }))?.contents ?? '');
  };

  it('is committed as it is generated (run scripts/schema.ts after a change)', () => {
    assert.equal(committed, `${JSON.stringify(workspaceJsonSchema(), null, 2)}\n`);
  });

  it('explains every key', () => {
    const unexplained: string[] = [];
    const walk = (schema: Record<string, unknown>, path: string): void => {
      for (const [key, value] of Object.entries((schema['properties'] ?? {}) as Record<string, Record<string, unknown>>)) {
        if (typeof value['description'] !== 'string') unexplained.push(`${path}.${key}`);
        walk(value, `${path}.${key}`);
      }
      for (const inner of ['items', 'additionalProperties']) {
        if (typeof schema[inner] === 'object' && schema[inner] !== null) walk(schema[inner] as Record<string, unknown>, `${path}[]`);
      }
    };
    walk(workspaceJsonSchema(), '');
    assert.deepEqual(unexplained, []);
  });

  it('accepts a good file in an editor and in Modelswitch', async () => {
    assert.deepEqual((await service.doValidation(document(GOOD), false)).map((each) => each.message), []);
    assert.deepEqual(loadWorkspaceFile(GOOD).problems, []);
  });

  it('marks what is wrong in a bad file, at its line', async () => {
    const found = (await service.doValidation(document(BAD), false)).map((each) => [each.range.start.line, JSON.stringify(each.message)] as const);
    const lines = found.map(([line]) => line).sort((a, b) => a - b);
    assert.deepEqual(lines, [0, 2, 3, 6, 8, 10], JSON.stringify(found));
    assert.match(found.find(([line]) => line === 3)![1], /projekt/);
    assert.match(found.find(([line]) => line === 10)![1], /name/);
  });

  it('completes keys where they belong', async () => {
    const top = await completions('version: 1\n|\n');
    assert.ok(['unleash', 'registry', 'models', 'personas'].every((key) => top.includes(key)), top.join());
    assert.ok(!top.includes('version'));
    const model = await completions('version: 1\nmodels:\n  fraud:\n    flag: a\n    |\n');
    assert.ok(['switches', 'registered_model', 'current', 'candidate', 'suites', 'quality', 'plan'].every((key) => model.includes(key)), model.join());
    assert.ok(!model.includes('unleash'));
    const persona = await completions('version: 1\npersonas:\n  - name: a\n    |\n');
    assert.deepEqual(persona.filter((key) => ['userId', 'sessionId', 'properties'].includes(key)).sort(), ['properties', 'sessionId', 'userId']);
  });

  it('explains a key on hover', async () => {
    assert.match(await hover('version: 1\nmodels:\n  fraud:\n    can|didate: challenger\n'), /serves when the switch is on/);
    assert.match(await hover('version: 1\nunl|eash: {url: http://x}\n'), /Unleash server that holds the flags/);
  });
});
