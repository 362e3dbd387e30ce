import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { SCHEMAS } from '../../../scripts/schema.ts';
import { environmentCredentials } from '../../../src/adapters/mlflow/credentials.ts';
import { loadWorkspaceFile } from '../../../src/core/workspace/load.ts';

const load = (section: string): { target: unknown; problems: string[] } => {
  const text = `version: 1\nregistry: ${section}\nmodels: {m: {flag: f, contract: features.yaml}}\n`;
  const { config, problems } = loadWorkspaceFile(text);
  const { range, ...target } = config?.registry ?? { range: undefined };
  return { target: config?.registry === undefined ? undefined : { ...target, at: text.slice(range?.start.offset, range?.end.offset) }, problems: problems.map((problem) => `${text.slice(problem.range.start.offset, problem.range.end.offset)}: ${problem.message}`) };
};

describe('the registry section of modelswitch.yaml', () => {
  it('names one registry, and where it is written', () => {
    assert.deepEqual(load('{mlflow: "http://localhost:5000/ml/", workspace: team-a}'), { target: { kind: 'mlflow', location: 'http://localhost:5000/ml', workspace: 'team-a', at: '"http://localhost:5000/ml/"' }, problems: [] });
    assert.deepEqual(load('{file: models/registry.yaml}'), { target: { kind: 'file', location: 'models/registry.yaml', at: 'models/registry.yaml' }, problems: [] });
    assert.deepEqual(load('{sqlite: mlflow.db}'), { target: { kind: 'sqlite', location: 'mlflow.db', at: 'mlflow.db' }, problems: [] });
    assert.deepEqual(load(''), { target: undefined, problems: [] });
    assert.deepEqual(load('{mlflow: "https://m.example/api/2.0/mlflow"}').target, { kind: 'mlflow', location: 'https://m.example', at: '"https://m.example/api/2.0/mlflow"' });
    assert.deepEqual(load('{mlflow: "https://m.example/#/models"}').target, { kind: 'mlflow', location: 'https://m.example', at: '"https://m.example/#/models"' });
    assert.equal(loadWorkspaceFile('version: 1\nmodels: {m: {flag: f, contract: features.yaml}}\n').config?.models[0]?.contract, 'features.yaml');
  });

  const wrong: readonly [string, RegExp][] = [
    ['{mlflow: "localhost:5000"}', /"localhost:5000": registry\.mlflow must start with http/],
    ['{mlflow: "sqlite:///mlflow.db"}', /use sqlite: with the path/],
    ['{mlflow: "http://alice:secret@m.example"}', /address with credentials in it/],
    ['{mlflow: "http://m.example?a=1"}', /remove what follows \?/],
    ['{mlflow: "nowhere"}', /is not an address/],
    ['{mlflow: 7}', /7: registry\.mlflow must be text/],
    ['{mlflow: "http://m.example", file: a.yaml}', /a\.yaml: registry\.file names mlflow and file: keep one/],
    ['{}', /registry must name one registry/],
    ['http://m.example', /http:\/\/m\.example: registry must name one registry/],
    ['{mlfow: "http://m.example"}', /Unknown key "mlfow".*Did you mean "mlflow"/],
  ];
  for (const [section, says] of wrong) {
    it(`says what is wrong with ${section}`, () => {
      const { target, problems } = load(section);
      assert.equal(target, undefined);
      assert.match(problems.join('\n'), says);
      assert.ok(!problems.some((problem) => problem.slice(problem.indexOf(': ')).includes('secret@')));
    });
  }
});

describe('the credentials of the environment', () => {
  const env = { MLFLOW_TRACKING_URI: 'https://m.example/ml', MLFLOW_TRACKING_USERNAME: 'u', MLFLOW_TRACKING_PASSWORD: 'p', MLFLOW_TRACKING_TOKEN: 't' };

  it('are for the origin of MLFLOW_TRACKING_URI only; a user name goes before a token', () => {
    assert.deepEqual(environmentCredentials(env)('https://m.example'), { kind: 'basic', username: 'u', password: 'p' });
    assert.deepEqual(environmentCredentials({ ...env, MLFLOW_TRACKING_PASSWORD: '' })('https://m.example'), { kind: 'bearer', token: 't' });
    for (const origin of ['http://m.example', 'https://m.example:8443', 'https://other.example']) assert.equal(environmentCredentials(env)(origin), undefined, origin);
    for (const uri of [undefined, '', 'sqlite:///mlflow.db', 'databricks']) assert.equal(environmentCredentials({ ...env, MLFLOW_TRACKING_URI: uri })('https://m.example'), undefined);
  });
});

describe('the schema files', () => {
  for (const [file, schema] of Object.entries(SCHEMAS)) {
    it(`${file} is as scripts/schema.ts writes it`, () => {
      assert.deepEqual(JSON.parse(readFileSync(new URL(`../../../media/schemas/${file}`, import.meta.url), 'utf8')), schema());
    });
  }
});
