import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listFiles, PackageManager } from '@vscode/vsce';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import { BUNDLED_PACKAGES, notices } from '../../scripts/notices.ts';
import { packageExtension } from '../../scripts/package.ts';

const root = join(import.meta.dirname, '..', '..');

describe('the package', function () {
  // Packing looks through the folder, the sandbox's Python environments included.
  this.timeout(300_000);
  let temporary: string;
  let vsix: string;

  before(async () => {
    temporary = mkdtempSync(join(tmpdir(), 'modelswitch-package-'));
    // test/run.ts has packed it already.
    vsix = process.env['MODELSWITCH_VSIX'] ?? (await packageExtension({ out: join(temporary, 'modelswitch.vsix') }));
  });
  after(() => rmSync(temporary, { recursive: true, force: true }));

  it('holds exactly these files', async () => {
    const files = await listFiles({ cwd: root, packageManager: PackageManager.None });
    assert.deepEqual(files.toSorted(), [
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'THIRD_PARTY_NOTICES.md',
      'dist/bulk.worker.cjs',
      'dist/dashboard.webview.css',
      'dist/dashboard.webview.js',
      'dist/documents.worker.cjs',
      'dist/extension.cjs',
      'dist/hyparquet.cjs',
      'dist/index.worker.cjs',
      'dist/models.lazy.cjs',
      'dist/quality.lazy.cjs',
      'dist/quality.worker.cjs',
      'dist/refactoring.lazy.cjs',
      'dist/releases.lazy.cjs',
      'dist/statistics.cjs',
      'dist/suites.lazy.cjs',
      'dist/tree-sitter-python.wasm',
      'dist/tree-sitter-tsx.wasm',
      'dist/unleash-proxy-client.cjs',
      'dist/web-tree-sitter.cjs',
      'dist/web-tree-sitter.wasm',
      'dist/workspaceFile.lazy.cjs',
      'dist/workspaceSites.lazy.cjs',
      'dist/yaml.cjs',
      'dist/zod.cjs',
      'media/icon.png',
      'media/modelswitch.svg',
      'media/python/modelswitch_predict.py',
      'media/python/modelswitch_serve.py',
      'media/schemas/features.schema.json',
      'media/schemas/modelswitch.schema.json',
      'media/schemas/registry.schema.json',
      'media/schemas/suite.schema.json',
      'package.json',
    ]);
  });

  it('names the licences of exactly the packages it contains', () => {
    const { inputs } = JSON.parse(readFileSync(join(root, 'dist', 'meta.json'), 'utf8')) as { inputs: Record<string, unknown> };
    const bundled = Object.keys(inputs).flatMap((path) => /^node_modules\/(@stdlib|(?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
    // The grammars are copied, not bundled; unleash-proxy-client's file holds tiny-emitter.
    assert.deepEqual([...new Set([...bundled, 'tree-sitter-python', 'tree-sitter-typescript', 'tiny-emitter'])].toSorted(), BUNDLED_PACKAGES.toSorted());
    assert.equal(readFileSync(join(root, 'THIRD_PARTY_NOTICES.md'), 'utf8'), notices());
  });

  it('is at most 1.5 MB', () => {
    const { size } = statSync(vsix);
    assert.ok(size <= 1_500_000, `${size} bytes`);
  });

  it('loads at most 500 kB of minified code on activation', () => {
    const { size } = statSync(join(root, 'dist', 'extension.cjs'));
    assert.ok(size <= 500_000, `${size} bytes`);
  });

  it('has every file that the manifest names', () => {
    const manifest = readFileSync(join(root, 'package.json'), 'utf8');
    const named = [...manifest.matchAll(/"(?:\.\/)?((?:media|dist)\/[^"]+)"/g)].map((match) => match[1] ?? '');
    assert.deepEqual(named.filter((file) => !existsSync(join(root, file))), []);
    assert.ok(named.includes('dist/extension.cjs') && named.includes('media/icon.png'));
  });
});

describe('the bundles', () => {
  interface Output { readonly imports: readonly { readonly path: string; readonly external?: boolean }[] }

  const external = (file: string): string[] => {
    const { outputs } = JSON.parse(readFileSync(join(root, 'dist', 'meta.json'), 'utf8')) as { outputs: Record<string, Output> };
    const output = outputs[file];
    assert.ok(output, `${file} is not built`);
    return output.imports.filter((entry) => entry.external).map((entry) => entry.path.replace(/^node:/, ''));
  };

  it('of the extension needs nothing but vscode, Node and its own lazy parts', () => {
    const { builtinModules } = process.getBuiltinModule('node:module');
    const others = external('dist/extension.cjs').filter((name) => name !== 'vscode' && !builtinModules.includes(name));
    const lazy = ['models', 'quality', 'refactoring', 'releases', 'suites', 'workspaceFile', 'workspaceSites'].map((part) => `./${part}.lazy.cjs`);
    assert.deepEqual([...new Set(others)].toSorted(), [...lazy, './unleash-proxy-client.cjs', './web-tree-sitter.cjs'].toSorted());
    const shared = ['./hyparquet.cjs', './statistics.cjs', './web-tree-sitter.cjs', './yaml.cjs', './zod.cjs'];
    for (const part of lazy) assert.deepEqual(external(`dist/${part.slice(2)}`).filter((name) => name !== 'vscode' && !builtinModules.includes(name) && !shared.includes(name)), [], part);
  });

  it('of the command line are a package with its licences, that tells its version', () => {
    const folder = join(root, 'dist', 'cli');
    const packed = spawnSync('npm', ['pack', '--dry-run', '--json'], { cwd: folder, encoding: 'utf8', shell: process.platform === 'win32' });
    const [{ files, version } = { files: [], version: '' }] = JSON.parse(packed.stdout) as { readonly files: readonly { readonly path: string }[]; readonly version: string }[];
    assert.deepEqual(files.map(({ path }) => path).toSorted(), ['LICENSE', 'THIRD_PARTY_NOTICES.md', 'index.worker.cjs', 'modelswitch.cjs', 'package.json', 'python/modelswitch_predict.py', 'python/modelswitch_serve.py', 'quality.worker.cjs', 'tree-sitter-python.wasm', 'tree-sitter-tsx.wasm', 'web-tree-sitter.wasm']);
    assert.equal(spawnSync(process.execPath, [join(folder, 'modelswitch.cjs'), '--version'], { encoding: 'utf8' }).stdout, `${version}\n`);
  });

  it('of the command line does without vscode, and starts under plain Node', () => {
    assert.ok(!external('dist/cli/modelswitch.cjs').includes('vscode'));
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'dist', 'cli', 'modelswitch.cjs'), '--help'], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  });
});

describe('the lint rules of the layers', function () {
  this.timeout(60_000);
  // Types are not needed for rules about imports, and the files of this test do not exist.
  const eslint = new ESLint({ cwd: root, overrideConfig: [tseslint.configs.disableTypeChecked] });

  const rulesBroken = async (file: string, code: string): Promise<(string | null)[]> => {
    const [result] = await eslint.lintText(code, { filePath: join(root, 'src', file) });
    assert.ok(result);
    return result.messages.map((message) => message.ruleId);
  };

  const forbidden: Readonly<Record<string, readonly string[]>> = {
    core: ['adapters', 'extension', 'cli', 'webview', 'shared'],
    adapters: ['extension', 'cli', 'webview', 'shared'],
    extension: ['cli', 'webview'],
    cli: ['extension', 'webview', 'shared'],
    shared: ['core', 'adapters', 'extension', 'cli', 'webview'],
    webview: ['core', 'adapters', 'extension', 'cli'],
  };
  for (const [layer, folders] of Object.entries(forbidden)) {
    it(`keep ${layer} from ${folders.join(', ')}`, async () => {
      for (const folder of folders) {
        assert.deepEqual(await rulesBroken(`${layer}/part/example.ts`, `import { thing } from '../../${folder}/part/thing.ts';\nthing();\n`), ['no-restricted-imports'], folder);
        assert.deepEqual(await rulesBroken(`${layer}/example.ts`, `import type { Thing } from '../${folder}/thing.ts';\nexport type Mine = Thing;\n`), ['no-restricted-imports'], `${folder}, type, from the layer's own folder`);
        assert.deepEqual(await rulesBroken(`${layer}/example.ts`, `export { thing } from '../${folder}/thing.ts';\n`), ['no-restricted-imports'], `${folder}, export from`);
      }
    });
  }

  it('keep vscode in the extension', async () => {
    const code = "import * as vscode from 'vscode';\nvscode.version.trim();\n";
    for (const layer of ['core', 'adapters', 'cli', 'shared', 'webview']) assert.deepEqual(await rulesBroken(`${layer}/example.ts`, code), ['no-restricted-imports'], layer);
    assert.deepEqual(await rulesBroken('extension/example.ts', code), []);
  });

  it('keep the outside world out of the core', async () => {
    for (const name of ['node:fs', 'node:fs/promises', 'fs', 'node:http', 'node:child_process', 'path']) {
      assert.deepEqual(await rulesBroken('core/flags/example.ts', `import * as outside from '${name}';\nexport const it = outside;\n`), ['no-restricted-imports'], name);
    }
    for (const use of ['process.cwd()', "fetch('/')", 'setTimeout(() => undefined, 1)']) {
      assert.deepEqual(await rulesBroken('core/flags/example.ts', `export const value: unknown = ${use};\n`), ['no-restricted-globals'], use);
    }
    assert.deepEqual(await rulesBroken('core/flags/example.ts', 'export const now: number = Date.now();\n'), ['no-restricted-properties']);
  });

  it('refuse the import of zod that bundles five times as much, and default exports', async () => {
    assert.deepEqual(await rulesBroken('core/flags/example.ts', "import { z } from 'zod';\nexport const shape = z;\n"), ['no-restricted-syntax']);
    assert.deepEqual(await rulesBroken('core/flags/example.ts', 'export default 1;\n'), ['no-restricted-syntax']);
  });

  it('allow what the architecture allows', async () => {
    const allowed: [string, string][] = [
      ['core/flags/example.ts', '../base/errors.ts'],
      ['adapters/unleash/example.ts', '../../core/flags/model.ts'],
      ['extension/flags/example.ts', '../../adapters/unleash/client.ts'],
      ['extension/flags/example.ts', '../../shared/messages.ts'],
      ['cli/commands/example.ts', '../../adapters/unleash/client.ts'],
      ['webview/example.ts', '../shared/messages.ts'],
    ];
    for (const [file, target] of allowed) assert.deepEqual(await rulesBroken(file, `import { thing } from '${target}';\nthing();\n`), [], `${file} from ${target}`);
  });
});
