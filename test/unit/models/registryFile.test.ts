import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RegistryFileRegistry } from '../../../src/adapters/registryFile/registryFileRegistry.ts';
import { openRegistry } from '../../../src/adapters/registries.ts';
import { AppError } from '../../../src/core/base/errors.ts';
import { loadRegistryFile } from '../../../src/core/models/registryFile.ts';
import { setEntry } from '../../../src/core/models/yamlEdit.ts';

const found = (text: string): string[] => loadRegistryFile(text).problems.map(({ severity, message, range }) => `${range.start.line + 1}:${range.start.column + 1} ${severity} ${message}`);

describe('the registry file', () => {
  it('says what is wrong at its place, and reads what only warns', () => {
    assert.deepEqual(found(`version: 1
models:
  fraud:
    aliases: {champion: "2"}
    versions:
      - {version: "1", commit: x}
      - {version: "1"}
      - {code: {commit: 12e5678}}
      - {version: "4", metrics: {auc: high}, status: done, created: yesterday, artifact: {path: a, sha256: abc}}
`), [
      '6:24 warning Unknown key "commit" in models.fraud.versions[0]; it is ignored.',
      '8:9 error models.fraud.versions[2] lacks version, which must be text or a whole number, such as "13".',
      '8:25 error models.fraud.versions[2].code.commit must be text, such as "1fcd0f0".',
      '9:39 error models.fraud.versions[3].metrics.auc must be a number; .nan and .inf are numbers.',
      '9:54 error models.fraud.versions[3].status must be ready, pending or failed.',
      '9:69 error models.fraud.versions[3].created must be a time, such as 2026-11-02T10:00:00Z.',
      '9:108 error models.fraud.versions[3].artifact.sha256 must be 64 hexadecimal digits.',
    ]);
    const warned = loadRegistryFile('version: 1\nmodels: {m: {aliases: {champion: 2}, versions: [{version: 1, note: x}]}}\n');
    assert.deepEqual([warned.file?.models.length, warned.problems.map(({ severity }) => severity)], [1, ['warning', 'warning']]);
    assert.match(found('version: 1\nmodels: {m: {versions: [{version: 1}, {version: "1"}]}}\n').join(), /has the version 1 twice/);
    for (const text of ['', '- 1', 'version: 2', 'version: 1\nmodels: 7', 'a: [', '['.repeat(10_000), '<<<<<<< HEAD\nversion: 1\n=======\n>>>>>>> b\n']) assert.ok(loadRegistryFile(text).file === undefined && found(text).length > 0, text.slice(0, 20));
    assert.deepEqual(loadRegistryFile('version: 1\nmodels:\n').file?.models, []);
  });
});

describe('editing YAML', () => {
  const edits: Readonly<Record<string, { text: string; path: string[]; key: string; value: string | undefined; expected: string }>> = {
    'replaces a value and leaves its comment': { text: '# all\na:\n  champion: "1"   # serves\n\n  challenger: 2\n', path: ['a'], key: 'champion', value: '2', expected: '# all\na:\n  champion: "2"   # serves\n\n  challenger: 2\n' },
    'appends to a block': { text: 'a:\n  x: 1 # one\n# end\nb: 2\n', path: ['a'], key: 'z', value: '2', expected: 'a:\n  x: 1 # one\n  z: "2"\n# end\nb: 2\n' },
    'appends to a block at the end of a text without a line end': { text: 'a:\n  x: 1', path: ['a'], key: 'z', value: '2', expected: 'a:\n  x: 1\n  z: "2"' },
    'keeps Windows line ends': { text: 'a:\r\n  x: 1\r\nb: 2\r\n', path: ['a'], key: 'z', value: '2', expected: 'a:\r\n  x: 1\r\n  z: "2"\r\nb: 2\r\n' },
    'appends to a flow': { text: 'a: {x: 1} # c\n', path: ['a'], key: 'z', value: '2', expected: 'a: {x: 1, z: "2"} # c\n' },
    'fills an empty flow': { text: 'a: {}\nb: 1\n', path: ['a'], key: 'z', value: '2', expected: 'a: {z: "2"}\nb: 1\n' },
    'fills a key without a value': { text: 'a:\nb: 1\n', path: ['a'], key: 'z', value: '2', expected: 'a: {z: "2"}\nb: 1\n' },
    'fills null': { text: 'a: null # c\nb: 1\n', path: ['a'], key: 'z', value: '2', expected: 'a: {z: "2"} # c\nb: 1\n' },
    'makes the mapping after nested blocks': { text: 'm:\n  versions:\n    - version: 1 # first\n      params: {a: 1}\n# end\n', path: ['m', 'aliases'], key: 'champion', value: '1', expected: 'm:\n  versions:\n    - version: 1 # first\n      params: {a: 1}\n  aliases: {champion: "1"}\n# end\n' },
    'makes the mapping in a flow': { text: 'm: {versions: [{version: 1}]}\n', path: ['m', 'aliases'], key: 'champion', value: '1', expected: 'm: {versions: [{version: 1}], aliases: {champion: "1"}}\n' },
    'removes a line': { text: 'a:\n  x: 1\n  y: 2 # two\n  z: 3\n', path: ['a'], key: 'y', value: undefined, expected: 'a:\n  x: 1\n  z: 3\n' },
    'removes the first of a flow': { text: 'a: {x: 1, y: 2}\n', path: ['a'], key: 'x', value: undefined, expected: 'a: {y: 2}\n' },
    'removes the last of a flow': { text: 'a: {x: 1, y: 2}\n', path: ['a'], key: 'y', value: undefined, expected: 'a: {x: 1}\n' },
    'removes the only one': { text: 'a:\n  x: 1\nb: 2\n', path: ['a'], key: 'x', value: undefined, expected: 'a:\nb: 2\n' },
    'quotes a key that needs it': { text: 'a: {x: 1}\n', path: ['a'], key: 'on: größte', value: 'a"b\n', expected: 'a: {x: 1, "on: größte": "a\\"b\\n"}\n' },
    'leaves what is so already': { text: 'a: {x: 1}\n', path: ['a'], key: 'z', value: undefined, expected: 'a: {x: 1}\n' },
  };
  for (const [name, { text, path, key, value, expected }] of Object.entries(edits)) {
    it(name, () => assert.equal(setEntry(text, path, key, value), expected));
  }

  it('refuses what it cannot edit, rather than write something else', () => {
    for (const text of ['base: &b {x: 1}\na: *b\n', 'b: {x: 1}\n', 'a: [1]\n']) {
      assert.throws(() => setEntry(text, ['a', 'aliases'], 'z', '2'), (error) => error instanceof AppError && error.code === 'validation', text);
    }
  });
});

describe('the registry file on disk', () => {
  let folder: string;
  const path = (): string => join(folder, 'models', 'registry.yaml');
  const open = (): RegistryFileRegistry => new RegistryFileRegistry({ path: path(), folder });
  const digest = createHash('sha256').update('weights').digest('hex');

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'modelswitch-file-'));
    mkdirSync(join(folder, 'models'));
    writeFileSync(join(folder, 'models', 'a.bin'), 'weights');
    writeFileSync(path(), `version: 1
models:
  team/fraud-模型:   # with a slash
    versions:
      - {version: "1", artifact: {path: models/a.bin, sha256: "${digest.toUpperCase()}"}}
      - {version: "2", artifact: {path: models/a.bin, sha256: "${'0'.repeat(64)}"}}
      - {version: "3", artifact: {path: models/gone.bin}}
      - {version: "4", artifact: {path: ../../outside.bin}}
`);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('tells the digest of a file, and that it is not the one that was registered', async () => {
    const [first, second, third, fourth] = await Promise.all(['1', '2', '3', '4'].map((version) => open().readVersion('team/fraud-模型', version)));
    assert.deepEqual([first?.artifact, first?.gaps], [{ uri: 'models/a.bin', sizeBytes: 7, sha256: digest }, []]);
    assert.match(second!.gaps.join(), /is not the file that was registered/);
    assert.match(third!.gaps.join(), /cannot be read here.*dvc pull/);
    assert.deepEqual([fourth?.artifact, fourth?.gaps], [{ uri: '../../outside.bin' }, []]);
  });

  it('writes through a link, keeps the mode, and leaves no draft', async () => {
    const real = join(folder, 'real.yaml');
    writeFileSync(real, readFileSync(path()));
    chmodSync(real, 0o640);
    rmSync(path());
    symlinkSync(real, path());
    await open().setAlias('team/fraud-模型', 'champion', '1', undefined);
    assert.match(readFileSync(real, 'utf8'), /team\/fraud-模型: {3}# with a slash\n[\s\S]*\n {4}aliases: \{champion: "1"\}\n$/);
    assert.equal(statSync(real).mode & 0o777, 0o640);
    assert.deepEqual((await open().readModel('team/fraud-模型')).aliases, [{ alias: 'champion', version: '1' }]);
    await assert.rejects(open().setAlias('team/fraud-模型', 'champion', '2', undefined), (error) => error instanceof AppError && error.code === 'conflict');
  });

  it('says what is wrong with the file', async () => {
    const says = (work: Promise<unknown>, code: string, words: RegExp): Promise<void> => assert.rejects(work, (error) => error instanceof AppError && error.code === code && words.test(error.message));
    writeFileSync(path(), 'version: 1\nmodels:\n  m: {versions: [{}]}\n');
    await says(open().listModels(), 'validation', /registry\.yaml cannot be read: line 3: models\.m\.versions\[0\] lacks version/);
    rmSync(path());
    await says(open().listModels(), 'notFound', /There is no registry file/);
    mkdirSync(path());
    await says(open().listModels(), 'validation', /cannot be read/);
    assert.throws(() => openRegistry({ kind: 'file', location: '../registry.yaml' }, { folder, credentialsFor: () => undefined, fetch }), /outside of the folder/);
  });
});
